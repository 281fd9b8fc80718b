import { type ChildProcess, spawn } from 'node:child_process'
import { monotonicMs } from './monotonic-ms.ts'
import { ProcessSession } from './process-session.ts'
import type { CommandEnd, EndReason, FromSupervisor, StartMessage, ToSupervisor } from './supervisor-messages.ts'

/** How often it is looked whether those that were killed have gone. */
const LOOK_EVERY_MS = 20
const SELDOM_MS = 200
/** A timer cannot be longer than 2^31 ms. */
const LONGEST_TIMER_MS = 2 ** 30

/**
 * A command, and its end: by itself, because the holder of the lock asks for it, or because the lease is about to end and was not renewed.
 *
 * It lives in a process beside the holder's, so that it can end the command whatever becomes of the holder:
 * - the holder was killed: the pipe to it is closed, and the command is ended
 * - the holder is stopped (SIGSTOP), or hangs: no new deadline arrives, and the command is ended when the last one comes (a dead man's switch)
 */
export class Supervision {
  readonly #start: StartMessage
  readonly #tell: (message: FromSupervisor) => void
  readonly #child: ChildProcess
  #session: ProcessSession | undefined
  #deadlineMs: number
  #killAtMs = Number.POSITIVE_INFINITY
  #reason: EndReason | null = null
  #timer: NodeJS.Timeout | undefined

  constructor(start: StartMessage, tell: (message: FromSupervisor) => void) {
    this.#start = start
    this.#tell = tell
    this.#deadlineMs = start.deadlineMs ?? Number.POSITIVE_INFINITY
    const [program, ...args] = start.command as [string, ...string[]]
    // A session of its own: everything that belongs to the command can be found, and Ctrl-C reaches it once, by way of the holder.
    this.#child = spawn(program, args, { stdio: 'inherit', detached: true })
    this.#child.once('error', (error: NodeJS.ErrnoException) => {
      if (this.#session === undefined) tell({ kind: 'failed', code: String(error.code), message: error.message })
    })
    this.#child.once('exit', (code, signal) => void this.#endRest(code, signal))
    if (this.#child.pid === undefined) return
    this.#session = new ProcessSession(this.#child.pid)
    tell({ kind: 'started', pid: this.#child.pid })
    this.#look()
  }

  hear(message: Exclude<ToSupervisor, StartMessage>): void {
    if (message.kind === 'deadline') this.#deadlineMs = Math.max(this.#deadlineMs, message.deadlineMs)
    else if (message.kind === 'signal') this.#session?.signal(message.signal)
    else this.end('asked')
    this.#look()
  }

  /** The holder of the lock has gone. */
  loseHolder(): void {
    this.end('asked')
    if (this.#start.isLockGoneWithHolder) this.#killAtMs = 0
    this.#look()
  }

  /** SIGTERM, and SIGKILL after the grace; but not later than at the deadline. */
  end(reason: EndReason): void {
    if (this.#reason !== null) return
    this.#reason = reason
    this.#killAtMs = Math.min(this.#killAtMs, monotonicMs() + this.#start.graceMs)
    this.#session?.signal('SIGTERM')
    // One that is stopped would not hear it.
    this.#session?.signal('SIGCONT')
  }

  /** Does what is due, and comes back when something else will be. */
  #look(): void {
    clearTimeout(this.#timer)
    const nowMs = monotonicMs()
    const termAtMs = this.#deadlineMs - this.#start.leadMs
    if (this.#reason === null && nowMs >= termAtMs) this.end('deadline')
    const killAtMs = Math.min(this.#killAtMs, this.#deadlineMs)
    if (nowMs >= killAtMs) this.#session?.kill()
    const nextMs = nowMs >= killAtMs ? nowMs + LOOK_EVERY_MS : this.#reason === null ? termAtMs : killAtMs
    this.#timer = setTimeout(() => this.#look(), Math.min(nextMs - nowMs, LONGEST_TIMER_MS))
  }

  /** What the command has left behind in its session would go on without the lock. */
  async #endRest(code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    const end: CommandEnd = { code, signal, reason: this.#reason }
    for (let pauseMs = LOOK_EVERY_MS; this.#session?.isAlive(); pauseMs = Math.min(pauseMs * 2, SELDOM_MS)) {
      this.end('asked')
      this.#look()
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
    clearTimeout(this.#timer)
    this.#tell({ kind: 'ended', ...end })
  }
}
