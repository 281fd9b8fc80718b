import { constants } from 'node:os'
import { exitCodeOfSignal } from '../exit-codes.ts'
import type { GuardedCommand } from './guarded-command.ts'

/** Those that a program can be told by, and SIGTERM, which ends it. */
const PASSED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const
/** Those that end `verrou` itself while there is no command yet. */
const ENDING: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']

/** The waiting was ended by a signal. */
export class EndedBySignal extends Error {
  readonly exitCode: number

  constructor(signal: NodeJS.Signals) {
    super(`ended by ${signal}`)
    this.exitCode = exitCodeOfSignal(constants.signals[signal])
  }
}

/**
 * What `verrou run` does when it gets a signal: passes it on to the command; while it has none yet, gives up waiting. The second one ends it at once
 * then.
 */
export class SignalPassing {
  #command: GuardedCommand | undefined
  readonly #giveUp = new AbortController()

  constructor() {
    for (const name of PASSED) process.on(name, () => this.#pass(name))
    process.on('SIGTSTP', () => this.#suspend())
  }

  /** Aborts when a signal says that nobody waits any more. */
  get signal(): AbortSignal {
    return this.#giveUp.signal
  }

  /** From now on, signals are for the command. */
  passTo(command: GuardedCommand): void {
    this.#command = command
  }

  #pass(name: (typeof PASSED)[number]): void {
    if (name === 'SIGTERM' && this.#command) this.#command.end()
    else if (this.#command) this.#command.signal(name)
    else if (!ENDING.includes(name)) return
    else if (this.#giveUp.signal.aborted) process.exit(exitCodeOfSignal(constants.signals[name]))
    else this.#giveUp.abort(new EndedBySignal(name))
  }

  /** Ctrl-Z. The command is in a session of its own, where SIGTSTP has no effect: nobody there could continue it. */
  #suspend(): void {
    this.#command?.signal('SIGSTOP')
    // SIGCONT, when it comes, is passed on.
    process.kill(process.pid, 'SIGSTOP')
  }
}
