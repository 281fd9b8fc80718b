import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { DocumentedCommand } from '../../src/cli/documented-command.ts'
import { createProgram } from '../../src/cli/program.ts'
import { CLI_DATABASES, type CliDatabase, runVerrou, VERROU } from '../support/cli.ts'

// Each starts some processes, on machines that have other things to do.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const COMMANDS = createProgram().commands.filter((command) => command.name() !== 'complete')

describe('every command', () => {
  test.each(COMMANDS.map((command) => [command.name(), command] as const))('%s has an example', (_name, command) => {
    expect(command instanceof DocumentedCommand && command.examples.length).toBeGreaterThan(0)
  })
})

describe.concurrent.each(CLI_DATABASES)('the examples of --help on $name', ({ create }) => {
  let database: CliDatabase

  beforeAll(async () => {
    database = await create()
    expect(await runVerrou(['migrate'], { cwd: database.folder, env: database.env })).toMatchObject({ code: 0 })
    installVerrou(join(database.folder, 'bin'))
  })
  afterAll(() => database?.drop())

  // In their order: some are about a key that an earlier one has made.
  for (const command of COMMANDS) {
    for (const { line, isEndless } of command instanceof DocumentedCommand ? command.examples : []) {
      test(line, async () => {
        const { code, stderr } = isEndless ? await endAfterSign(line, database) : await runLine(line, database)
        // What goes on until Ctrl-C may say so by its exit code.
        expect(isEndless ? [0, 130] : [0], stderr).toContain(code)
      })
    }
  }
})

/** What `npx` and a global installation do: the command is in PATH. */
function installVerrou(folder: string): void {
  mkdirSync(folder)
  const file = join(folder, 'verrou')
  writeFileSync(file, `#!/bin/sh\nexec "${process.execPath}" "${VERROU}" "$@"\n`)
  chmodSync(file, 0o755)
}

function startLine(line: string, { folder, env }: CliDatabase): ChildProcess {
  // Exec: what ends the shell is what the command ended with, and signals reach the command.
  return spawn('sh', ['-c', `exec ${line}`], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: '', ...env, PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function runLine(line: string, database: CliDatabase) {
  const child = startLine(line, database)
  let stderr = ''
  child.stdout?.resume()
  child.stderr?.on('data', (data) => {
    stderr += data
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stderr }
}

async function endAfterSign(line: string, database: CliDatabase) {
  const child = startLine(line, database)
  const closed = once(child, 'close')
  const [first] = (await Promise.race([once(child.stdout!, 'data'), once(child.stderr!, 'data')])) as [Buffer]
  child.kill('SIGINT')
  const [code] = (await closed) as [number | null]
  return { code, stderr: String(first) }
}
