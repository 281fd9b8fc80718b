import type { Logger } from '../logger.ts'

/** What somebody should know who wrote the code around the library. */
export interface Warning {
  /** Stable, for those who filter warnings. */
  readonly code: 'VERROU_LISTENER_FAILED' | 'VERROU_LEAK'
  /** What happened, and what to do. */
  readonly message: string
  /** The lines of a stack. */
  readonly detail: string
  /** What a logger gets beside it. */
  readonly facts: object
}

/** Tells it to the logger if there is one, else as a warning of the process, which Node.js prints unless somebody listens. */
export function warn(logger: Logger | undefined, { code, message, detail, facts }: Warning): void {
  try {
    if (logger) logger.warn({ code, ...facts }, message)
    else process.emitWarning(message, { type: 'VerrouWarning', code, detail })
  } catch {
    // A logger that cannot log must not end anything else.
  }
}
