import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { OsUser } from './os-user.ts'

/** The script's text, not its path: the server's user may be unable to read the repository (root's home, say). */
const GUARD_SCRIPT = readFileSync(fileURLToPath(new URL('guard.sh', import.meta.url)), 'utf8')

const KEPT_OUTPUT_CHARACTERS = 4_000

export interface GuardedProcess {
  /** What it last wrote, for error messages. */
  output(): string
  hasEnded(): boolean
  /** Ends the process and waits until it is gone and its folder removed. */
  stop(): Promise<void>
}

export interface GuardedCommand {
  /** Program and arguments. */
  command: readonly string[]
  /** Removed when the process has ended. */
  folder: string
  /** QUIT for Postgres, whose children a KILL would leave behind for a moment; KILL for servers that take seconds to say goodbye. */
  stopSignal: 'QUIT' | 'KILL'
  user: OsUser | undefined
}

/** Starts a process that ends with this one, whatever way this one ends (see guard.sh). */
export function startGuarded({ command, folder, stopSignal, user }: GuardedCommand): GuardedProcess {
  const guard = spawn('/bin/sh', ['-c', GUARD_SCRIPT, 'guard.sh', stopSignal, folder, ...command], {
    cwd: folder,
    // A session of its own: Ctrl-C in the terminal must reach the test run only, which still has to report.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...user,
  })
  let output = ''
  let hasEnded = false
  const ended = new Promise<void>((resolve) => {
    const onEnd = () => {
      hasEnded = true
      resolve()
    }
    guard.once('exit', onEnd)
    guard.once('error', (error) => {
      output += error.message
      onEnd()
    })
  })

  for (const stream of [guard.stdout, guard.stderr])
    stream.on('data', (chunk) => {
      output = (output + chunk).slice(-KEPT_OUTPUT_CHARACTERS)
    })
  // A server must not keep its test run alive.
  guard.unref()
  for (const stream of [guard.stdin, guard.stdout, guard.stderr]) (stream as unknown as Socket).unref()

  return {
    output: () => output.trim(),
    hasEnded: () => hasEnded,
    async stop() {
      guard.ref()
      guard.stdin.end()
      await ended
    },
  }
}
