import { type ChildProcess, spawn } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CliError } from '../cli-error.ts'
import { printable } from '../output/printable.ts'
import { monotonicMs } from './monotonic-ms.ts'
import { ProcessSession } from './process-session.ts'
import type { CommandEnd, FromSupervisor, StartMessage, ToSupervisor } from './supervisor-messages.ts'

/** How much later than the supervisor should have done it the holder kills the command itself. */
const LATE_MS = 500

/** A command that runs under a lock, as the holder of the lock sees it: by way of the supervisor that watches over it. */
export class GuardedCommand {
  /** What became of it; nothing of it runs any more. @throws CliError when it could not be started, or nobody watched over it any more */
  readonly ended: Promise<CommandEnd>
  readonly #supervisor: ChildProcess
  readonly #start: StartMessage
  #session: ProcessSession | undefined
  #killTimer: NodeJS.Timeout | undefined

  private constructor(supervisor: ChildProcess, start: StartMessage) {
    this.#supervisor = supervisor
    this.#start = start
    this.ended = new Promise((resolve, reject) => {
      supervisor.on('message', (message: FromSupervisor) => this.#hear(message, resolve, reject))
      supervisor.once('error', (cause) =>
        reject(new CliError('INTERNAL', `cannot watch over a command: ${cause.message}`)),
      )
      // Comes after every message that was sent before.
      supervisor.once('disconnect', () => this.#takeOver(reject))
    }).finally(() => clearTimeout(this.#killTimer)) as Promise<CommandEnd>
  }

  /** @param env what the command gets to see */
  static start(start: Omit<StartMessage, 'kind'>, env: NodeJS.ProcessEnv): GuardedCommand {
    // Compiled or not, its file has the ending of this one.
    const file = fileURLToPath(new URL(`supervisor${extname(import.meta.filename)}`, import.meta.url))
    const supervisor = spawn(process.execPath, [file], {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      // Signals for the holder's group, such as that of a terminal, must not reach it.
      detached: true,
      env,
    })
    const message: StartMessage = { kind: 'start', ...start }
    const command = new GuardedCommand(supervisor, message)
    command.#send(message)
    return command
  }

  /** The lease was renewed. @param deadlineMs its end, by {@link monotonicMs} */
  extend(deadlineMs: number): void {
    this.#send({ kind: 'deadline', deadlineMs })
  }

  /** Passes a signal on. */
  signal(signal: NodeJS.Signals): void {
    this.#send({ kind: 'signal', signal })
  }

  /** Ends it: SIGTERM, and SIGKILL after the grace. */
  end(): void {
    this.#send({ kind: 'end' })
    const killAtMs = monotonicMs() + this.#start.graceMs + LATE_MS
    this.#killTimer ??= setTimeout(() => this.#killBoth(), killAtMs - monotonicMs())
  }

  #send(message: ToSupervisor): void {
    // The end of the supervisor is heard of elsewhere.
    if (this.#supervisor.connected) this.#supervisor.send(message, () => {})
  }

  #hear(message: FromSupervisor, resolve: (end: CommandEnd) => void, reject: (error: CliError) => void): void {
    if (message.kind === 'started') this.#session = new ProcessSession(message.pid)
    else if (message.kind === 'ended') resolve(message)
    else if (message.kind === 'failed') reject(startError(this.#start.command[0]!, message))
    else reject(new CliError('LOCK_LOST', 'the lock was lost before the command could be started'))
  }

  /** The supervisor was killed, or stopped. */
  #killBoth(): void {
    this.#session?.kill()
    this.#supervisor.kill('SIGKILL')
  }

  async #takeOver(reject: (error: CliError) => void): Promise<void> {
    for (; this.#session?.isAlive(); await new Promise((resolve) => setTimeout(resolve, 50))) this.#session.kill()
    // Does nothing when the end of the command was told before.
    reject(new CliError('INTERNAL', 'the process that watches over the command has gone; the command was killed'))
  }
}

/** As shells tell it: https://www.gnu.org/software/bash/manual/html_node/Exit-Status.html */
function startError(program: string, { code, message }: { readonly code: string; readonly message: string }): CliError {
  const name = printable(program)
  if (code === 'ENOENT') return new CliError('COMMAND_NOT_FOUND', `there is no command ${name}`)
  if (code === 'EACCES') return new CliError('CANNOT_RUN', `${name} is not executable`)
  return new CliError('CANNOT_RUN', `${name} cannot be run: ${message}`)
}
