import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify, stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { REPOSITORY } from '../../scripts/repository.ts'
import { openScreen } from '../../src/cli/output/screen.ts'
import { table } from '../../src/cli/output/table.ts'
import type { LockFactory } from '../../src/index.ts'
import { emptyFolder, runVerrou, VERROU } from '../support/cli.ts'
import { locksAt } from '../support/locks-at.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const KEY = 'a key that is longer than what a narrow terminal can show of it'

const { folder, remove } = emptyFolder()
let locks: LockFactory
let close: () => Promise<void>

beforeAll(async () => {
  await runVerrou(['migrate'], { cwd: folder })
  ;({ locks, close } = await locksAt(join(folder, 'verrou.db')))
  await locks.createLock(KEY, '1h').acquire()
})
afterAll(async () => {
  await close?.()
  remove()
})

test.concurrent('on a terminal, a table has colours and is as narrow as it', async () => {
  const output = await onTerminal(['ls'], { columns: 60 })
  expect(output).toContain('\u001b[2mKEY')
  const lines = stripVTControlCharacters(output).trimEnd().split(/\r?\n/)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60)
  expect(lines[1]).toMatch(/^a key that .*… {2}/)
})

test.concurrent('NO_COLOR is heeded', async () => {
  expect(await onTerminal(['ls'], { env: { NO_COLOR: '1' } })).not.toContain('\u001b[')
})

test.concurrent('release asks, and does nothing without a yes; then it does', async () => {
  const lock = locks.createLock('asked', '1h')
  await lock.acquire()
  const refused = await onTerminal(['release', 'asked', '--force'], { input: 'n\n' })
  expect(refused).toMatch(/Take asked away from \S+:\d+, who has held it for .*\? \(y\/N\) /)
  expect(refused).toContain('verrou: nothing was done')
  expect(await lock.isLocked()).toBe(true)
  expect(await onTerminal(['release', 'asked', '--force'], { input: 'y\n' })).toContain('released asked: evicted')
  expect(await lock.isLocked()).toBe(false)
})

test.concurrent('prune shows how far it is, on a terminal', async () => {
  expect(await onTerminal(['prune'])).toMatch(/rows, 0 removed[\s\S]*removed 0 rows/)
})

test('wide characters are counted as terminals show them', () => {
  const screen = { ...openScreen(), columns: 20 }
  const lines = table({ head: ['KEY', 'N'], rows: [['鍵'.repeat(30), '1']], shrink: { 0: 5 } }, screen).split('\n')
  expect(lines[1]).toBe(`${'鍵'.repeat(8)}… 1`.replace('… ', '…  '))
})

test.concurrent('in bash, the tabulator completes commands and options', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [VERROU, 'completion', 'bash'])
  expect(stdout).toMatch(/complete .*verrou/)
  const complete = async (...words: string[]) => (await runVerrou(['complete', '--', ...words], { cwd: folder })).stdout
  expect(await complete('mig')).toMatch(/^migrate\t/)
  expect(await complete('run', '--conf')).toMatch(/^--conflict-exit-code\t/)
  expect(await complete('migrate', '')).toMatch(/^up\b[\s\S]*^down\b[\s\S]*^status\b/m)
})

test.concurrent('the database of kysely.config is used where no other is named', async () => {
  const { folder: cwd, remove: removeIt } = emptyFolder()
  symlinkSync(join(REPOSITORY, 'node_modules'), join(cwd, 'node_modules'))
  writeFileSync(
    join(cwd, 'kysely.config.ts'),
    `import Database from 'better-sqlite3'
     import { SqliteDialect } from 'kysely'
     import { defineConfig } from 'kysely-ctl'
     const path: string = 'configured.db'
     export default defineConfig({ dialect: () => new SqliteDialect({ database: new Database(path) }) })`,
  )
  expect(await runVerrou(['migrate'], { cwd })).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/ to kysely\.config\.ts\n$/),
  })
  expect(await runVerrou(['run', 'a', '--', 'echo', 'hi'], { cwd })).toEqual({ code: 0, stdout: 'hi\n', stderr: '' })
  removeIt()
})

interface TerminalSettings {
  readonly columns?: number
  readonly env?: NodeJS.ProcessEnv
  readonly input?: string
}

/** Runs it on a terminal that `script` (of Debian's bsdutils) makes. @returns what the terminal was sent */
async function onTerminal(
  args: readonly string[],
  { columns = 120, env = {}, input = '' }: TerminalSettings = {},
): Promise<string> {
  const words = [process.execPath, VERROU, ...args].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['-qec', `stty cols ${columns}; exec ${words}`, '/dev/null'], {
    cwd: folder,
    env: { PATH: process.env.PATH, TERM: 'xterm-256color', ...env },
  })
  let output = ''
  child.stdout.on('data', (data) => {
    output += data
    if (input !== '' && output.includes('(y/N)')) child.stdin.end(input)
  })
  await once(child, 'close')
  return output
}
