import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Command } from 'commander'
import { expect, test, vi } from 'vitest'
import { DocumentedCommand, type Example } from '../../src/cli/documented-command.ts'
import { createProgram } from '../../src/cli/program.ts'
import { CLI_DATABASES, type CliDatabase, COMPILE_CACHE, VERROU } from '../support/cli.ts'

// Each starts some processes, on machines that have other things to do.
vi.setConfig({ testTimeout: 300_000 })

/** What whoever sets a server up does first. */
const MIGRATE: Example = { line: 'verrou migrate', says: '', isEndless: false }

const COMMANDS = createProgram().commands.filter((command) => command.name() !== 'complete')

test('every command has an example', () => {
  expect(COMMANDS.filter((command) => examplesOf(command).length === 0).map((command) => command.name())).toEqual([])
})

test.concurrent.for(CLI_DATABASES)('the examples of --help work on $name', async ({ create }, { onTestFinished }) => {
  const database = await create()
  onTestFinished(() => database.drop())
  installVerrou(join(database.folder, 'bin'))
  // In their order: some are about a key that an earlier one has made.
  for (const { line, isEndless } of [MIGRATE, ...COMMANDS.flatMap(examplesOf)]) {
    const { code, stderr } = isEndless ? await endAfterSign(line, database) : await runLine(line, database)
    // What goes on until Ctrl-C may say so by its exit code.
    expect(isEndless ? [0, 130] : [0], `${line}: ${stderr}`).toContain(code)
  }
})

function examplesOf(command: Command): readonly Example[] {
  return command instanceof DocumentedCommand ? command.examples : []
}

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
    env: {
      ...process.env,
      ...COMPILE_CACHE,
      DATABASE_URL: '',
      ...env,
      PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}`,
    },
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
