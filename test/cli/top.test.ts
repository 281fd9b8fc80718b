import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { CLI_DATABASES, type CliDatabase, emptyFolder, runVerrou, startVerrou, VERROU } from '../support/cli.ts'
import { locksAt } from '../support/locks-at.ts'

// Each starts several processes, on machines that have other things to do.
vi.setConfig({ testTimeout: 60_000 })

const ENTER = '\u001B[?1049h'
const LEAVE = '\u001B[?1049l'
const CLEAR = '\u001B[2J\u001B[H'
const SHOW_CURSOR = '\u001B[?25h'

/** Makes the terminal smaller, once that file is there. */
const RESIZING = '(until [ -e resize ]; do sleep 0.1; done; stty cols 60 rows 14 </dev/tty)'

/** `verrou top` in a terminal of that size: script(1) makes one. */
function topInTerminal(
  args: readonly string[],
  { folder, env }: CliDatabase,
  [columns, rows]: [number, number] = [110, 20],
) {
  const command = [process.execPath, VERROU, 'top', ...args].join(' ')
  const child = spawn(
    'script',
    ['-qefc', `stty cols ${columns} rows ${rows}; ${RESIZING} & exec ${command}`, '/dev/null'],
    {
      cwd: folder,
      env: { PATH: process.env.PATH, TERM: 'xterm-256color', ...env },
    },
  )
  let output = ''
  child.stdout.on('data', (data) => {
    output += data
  })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  return {
    ended,
    press: (key: string) => child.stdin.write(key),
    output: () => output,
    /** What it has drawn so far, without colours and the like. */
    text: () => stripVTControlCharacters(output),
  }
}

describe.each(CLI_DATABASES)('verrou top on $name', ({ create }) => {
  let database: CliDatabase
  let held: Awaited<ReturnType<typeof locksAt>>
  const top = (...args: string[]) => runVerrou(['top', ...args], { cwd: database.folder, env: database.env })

  beforeAll(async () => {
    database = await create()
    await runVerrou(['migrate'], { cwd: database.folder, env: database.env })
    held = await locksAt(database.url)
    for (const key of ['order:1', 'order:2', 'report', 'evil\u001B[31m\u202e'])
      await held.locks.createLock(key, null).hold()
    await held.locks.createLock('soon', '1m').hold()
  })
  afterAll(async () => {
    await held?.close()
    await database?.drop()
  })

  test('--once prints who holds what, for people and for machines, and what a terminal would obey is written out', async () => {
    const { code, stdout } = await top('--once', '--sort', 'left')
    const lines = stdout.split('\n')
    expect(code).toBe(0)
    expect(lines[0]).toMatch(/^verrou top {2}\S+ {2}● /)
    expect(lines[1]).toMatch(/^5 held {2}· {2}0 waited for {2}· {2}oldest hold [\d.]+ m?s$/)
    expect(lines[3]).toMatch(/^KEY +HOLDER +HELD +LEFT +WAITED +RENEWALS +TOKEN$/)
    expect(lines[4]).toMatch(/^soon +\S+:\d+ +[\d.]+ m?s +\d\d\.\d s +0 +\d{16}$/)
    expect(lines[5]).toMatch(/^evil\\u001b\[31m\\u202e +.* never ends /)
    const { stdout: json } = await top('order:', '--once', '--json')
    expect(JSON.parse(json)).toMatchObject({
      health: { state: 'answering' },
      locks: [{ key: 'order:1', isHeld: true, expiresAt: null }, { key: 'order:2' }],
    })
  })

  test('is redrawn in place, sorts by keys, and leaves the terminal as it was', async () => {
    const terminal = topInTerminal([], database)
    await expect.poll(terminal.text, { timeout: 10_000 }).toMatch(/5 held.*soon/s)
    await held.locks.createLock('late', '1m').hold()
    await expect.poll(terminal.text, { timeout: 5_000 }).toMatch(/6 held/)
    terminal.press('k')
    await expect.poll(terminal.text, { timeout: 5_000 }).toMatch(/KEY▾/)
    terminal.press('q')
    expect(await terminal.ended).toBe(0)
    const output = terminal.output()
    expect(output.indexOf(ENTER)).toBeGreaterThanOrEqual(0)
    expect(output.lastIndexOf(LEAVE)).toBeGreaterThan(output.lastIndexOf('KEY'))
    expect(output.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(output.lastIndexOf('\u001B[?25l'))
    await held.locks.createLock('late').forceRelease()
  })
})

describe('verrou top', () => {
  const { folder, remove } = emptyFolder()
  const database = {
    family: 'sqlite',
    url: `sqlite:${folder}/verrou.db`,
    folder,
    env: {},
    drop: async () => {},
  } as const
  afterAll(remove)

  test('fits into a terminal that gets smaller, says what is left out, and Ctrl-C ends it', async () => {
    await runVerrou(['migrate'], { cwd: folder })
    const { locks, close } = await locksAt(database.url)
    onTestFinished(close)
    await Promise.all(
      Array.from({ length: 30 }, (_, index) => locks.createLock(`a-rather-long-key:${index}`, '1m').hold()),
    )
    const terminal = topInTerminal([], database)
    await expect.poll(terminal.text, { timeout: 10_000 }).toMatch(/30 held.*and 19 more/s)
    writeFileSync(join(folder, 'resize'), '')
    await expect.poll(terminal.text, { timeout: 5_000 }).toMatch(/and 25 more/s)
    const redrawn = stripVTControlCharacters(terminal.output().split(CLEAR).at(-1) ?? '')
    expect(Math.max(...redrawn.split('\n').map((line) => line.trimEnd().length))).toBeLessThanOrEqual(60)
    terminal.press('\u0003')
    expect(await terminal.ended).toBe(0)
    expect(terminal.output()).toContain(LEAVE)
  })

  test('without a terminal, says what to do instead', async () => {
    const { code, stdout, stderr } = await runVerrou(['top'], { cwd: folder })
    expect({ code, stdout, stderr }).toEqual({
      code: 64,
      stdout: '',
      stderr: 'verrou: top redraws a terminal, and this is none; add --once or --json\n',
    })
  })

  test('--json prints a line for each look, until it is ended', async () => {
    const { process: child, ended, printed } = startVerrou(['top', '--json'], { cwd: folder })
    await printed('\n')
    child.kill('SIGTERM')
    const { code, stdout } = await ended
    expect(code).toBe(0)
    expect(JSON.parse(stdout.split('\n')[0] ?? '')).toMatchObject({ health: { state: 'answering' }, locks: [] })
  })
})
