import type { ExitName } from './exit-codes.ts'

/** A failure with words for whoever typed the command: one line that says what to do, and how to exit. */
export class CliError extends Error {
  readonly exit: ExitName

  constructor(exit: ExitName, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.name = 'CliError'
    this.exit = exit
  }
}
