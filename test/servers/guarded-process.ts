import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import type { OsUser } from './os-user.ts'

/** The script's text, not its path: the server's user may be unable to read the repository (in root's home, say). */
const GUARD_SCRIPT = readFileSync(new URL('guard.sh', import.meta.url), 'utf8')

const KEPT_OUTPUT_CHARACTERS = 4_000

/**
 * QUIT lets Postgres end its children too. TERM lets a script tidy up; after some seconds KILL follows.
 * KILL spares us the seconds that MySQL takes to save what is thrown away.
 */
type StopSignal = 'QUIT' | 'TERM' | 'KILL'

export interface GuardedCommand {
  /** The program and its arguments. */
  command: readonly string[]
  /** Its data. Removed when the command has ended, except after a step that succeeded. */
  folder: string
  /** Left out: the user of the tests. */
  user?: OsUser | undefined
  /** Ends it before its time; the default is KILL. */
  stopSignal?: StopSignal
}

export interface GuardedServer {
  hasEnded(): boolean
  /** What it last wrote, for error messages. */
  output(): string
  /** Ends the server and waits until it is gone and its folder removed. */
  stop(): Promise<void>
}

/** Starts a server that ends when this process does, whatever way that happens (see guard.sh). */
export function startGuardedServer(server: GuardedCommand): GuardedServer {
  const guard = startGuard('server', server)
  const output = keepOutput(guard)
  let hasEnded = false
  const ended = exitCode(guard).finally(() => {
    hasEnded = true
  })
  doNotWaitFor(guard)

  return {
    hasEnded: () => hasEnded,
    output,
    async stop() {
      guard.ref()
      guard.stdin.end()
      await ended
    },
  }
}

/** Runs a command that prepares a server's folder; it too ends with this process, and so does all that it started. */
export async function runGuardedStep(step: GuardedCommand): Promise<void> {
  const guard = startGuard('step', step)
  const output = keepOutput(guard)
  const code = await exitCode(guard)
  if (code !== 0) throw new Error(`${step.command[0]} failed (${code}): ${output()}`)
}

type Guard = ChildProcessByStdio<Writable, Readable, Readable>

function startGuard(kind: 'server' | 'step', { command, folder, user, stopSignal = 'KILL' }: GuardedCommand): Guard {
  return spawn('bash', ['-c', GUARD_SCRIPT, 'guard.sh', kind, stopSignal, folder, ...command], {
    cwd: folder,
    // A session of its own: Ctrl-C in the terminal must reach the test run only, which still has to report.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...user,
  })
}

function exitCode(guard: Guard): Promise<number | null> {
  return new Promise((resolve) => {
    guard.once('close', resolve)
    guard.once('error', () => resolve(null))
  })
}

function keepOutput(guard: Guard): () => string {
  let kept = ''
  for (const stream of [guard.stdout, guard.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      kept = (kept + text).slice(-KEPT_OUTPUT_CHARACTERS)
    })
  return () => kept.trim()
}

/** A server must not keep its test run alive. */
function doNotWaitFor(guard: Guard): void {
  guard.unref()
  // Node's pipes are sockets, though their type is only that of a stream.
  for (const pipe of guard.stdio) if (pipe && 'unref' in pipe) (pipe.unref as () => void)()
}
