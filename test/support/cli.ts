import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { REPOSITORY } from '../../scripts/repository.ts'
import { runProgram } from '../../src/cli/run-program.ts'
import { isSelected } from '../servers/selection.ts'
import { BACKENDS } from './backends.ts'
import { createDatabase } from './throwaway-database.ts'

/** The command, as it is run without a build. */
export const VERROU = join(REPOSITORY, 'src/cli/main.ts')

/** So that not every one reads and translates the same modules. */
export const COMPILE_CACHE = { NODE_COMPILE_CACHE: join(tmpdir(), 'verrou-compile-cache') }

/** What a command came to. */
export interface CommandResult {
  /** 128 + n, if a signal has ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A command of `verrou`, while it runs. */
export interface RunningCommand {
  readonly process: ChildProcess
  readonly ended: Promise<CommandResult>
  /** Waits until its standard output has this. */
  printed(text: string): Promise<void>
}

/** Where, and with what, a command is run. */
export interface CommandSettings {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly input?: string
}

/** What a test that failed has left behind ends with the process that runs it. */
const started = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL')
})

/** Starts `verrou` with these arguments, in an empty environment but for PATH and what is given. */
export function startVerrou(args: readonly string[], settings: CommandSettings = {}): RunningCommand {
  const child = spawn(process.execPath, [VERROU, ...args], {
    cwd: settings.cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...COMPILE_CACHE,
      ...settings.env,
    },
  })
  started.add(child)
  child.once('close', () => started.delete(child))
  child.stdin.on('error', () => {}).end(settings.input ?? '')
  let stdout = ''
  let stderr = ''
  const watchers = new Set<() => void>()
  child.stdout.on('data', (data) => {
    stdout += data
    for (const watcher of watchers) watcher()
  })
  child.stderr.on('data', (data) => {
    stderr += data
  })
  const ended = new Promise<CommandResult>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })))
  const printed = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (stdout.includes(text)) resolve()
      }
      watchers.add(look)
      look()
      void ended.then(() => reject(new Error(`it ended without printing ${text}: ${stdout}${stderr}`)))
    })
  return { process: child, ended, printed }
}

/** Runs it to its end. */
export function runVerrou(args: readonly string[], settings: CommandSettings = {}): Promise<CommandResult> {
  return startVerrou(args, settings).ended
}

/**
 * Runs it in this process, and so in a fraction of the time: what a process adds (streams, signals) others test. One at a time: what anybody prints
 * meanwhile is taken for the command's.
 */
export async function runVerrouHere(args: readonly string[]): Promise<CommandResult> {
  const printed = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      printed[name] += text
      return true
    }),
  )
  try {
    return { code: await runProgram(args), ...printed }
  } finally {
    for (const spy of spies) spy.mockRestore()
    process.exitCode = undefined
  }
}

/** A database of its own for a command, and an empty folder to run it in. */
export interface CliDatabase {
  readonly family: 'postgres' | 'mysql' | 'sqlite'
  readonly url: string
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  drop(): Promise<void>
}

/** Every selected database that a command can be tried on; of Postgres one version, since the contract suite looks at both. */
export const CLI_DATABASES: readonly { name: string; create(): Promise<CliDatabase> }[] = [
  ...(isSelected('sqlite') ? [{ name: 'sqlite', create: createSqlite }] : []),
  ...BACKENDS.filter(({ name }) => name !== 'postgres-14').map((backend) => ({
    name: backend.name,
    async create(): Promise<CliDatabase> {
      const { url, drop } = await createDatabase(backend)
      const { folder, remove } = emptyFolder()
      const { family } = backend
      return { family, url, folder, env: { DATABASE_URL: url }, drop: () => drop().finally(remove) }
    },
  })),
]

async function createSqlite(): Promise<CliDatabase> {
  const { folder, remove } = emptyFolder()
  const url = `sqlite:${join(folder, 'verrou.db')}`
  // The embedded file, as for somebody who has set nothing.
  return { family: 'sqlite', url, folder, env: {}, drop: async () => remove() }
}

/** A folder outside of the repository, whose kysely.config nobody means. */
export function emptyFolder(): { folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'verrou-cli-'))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
