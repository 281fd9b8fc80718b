import type { Answer } from '../statement.ts'

/** Text to send, with a name that a driver may prepare it under. */
export interface Wording {
  /** Missing: not worth preparing. */
  readonly name?: string
  readonly sql: string
}

/** Sends statements. Pure transport: knows nothing of locks. */
export interface SqlExecutor {
  execute(wording: Wording, values: readonly unknown[]): Promise<Answer>
}

/**
 * A connection of the store's own, beside the caller's pool, for what must not wait behind the app's own work. Opened at
 * the first use, and again after it was lost. Keeps no process alive.
 */
export interface OwnConnection {
  /**
   * Sends a statement on it.
   *
   * @param withinMs if there is no answer by then, the call rejects, and the connection is given up: what is sent next goes on a new one
   */
  execute(wording: Wording, values: readonly unknown[], withinMs: number): Promise<Answer>
  /** Closes it. What is sent after that opens a new one. */
  close(): Promise<void>
}
