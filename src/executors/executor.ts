import type { Answer } from '../statement.ts'

/** Text to send, with a name that a driver may prepare it under. */
export interface Wording {
  /** Missing: not worth preparing. */
  readonly name?: string
  readonly sql: string
  /** Not to be prepared under its name, where the server keeps a plan for that. */
  readonly isPlannedAnew?: boolean
  /** Its answer need not wait for the disk, if the driver has a way: it may be forgotten when the power fails, but not when the process dies. */
  readonly mayBeForgotten?: boolean
}

/** One of several statements that are sent together. */
export interface WordingWithValues {
  readonly wording: Wording
  readonly values: readonly unknown[]
}

/** Sends statements. Pure transport: knows nothing of locks. */
export interface SqlExecutor {
  execute(wording: Wording, values: readonly unknown[]): Promise<Answer>
  /**
   * Looks, and at the same moment writes, in one transaction: all of it is done, or nothing. Missing: it can send single statements only.
   *
   * @param looks write nothing
   * @param writesAfter chooses what to write by what they saw; none: no write lock is taken
   * @returns the answers of what was written, in the same order
   */
  lookAndWrite?(
    looks: readonly WordingWithValues[],
    writesAfter: (looked: readonly Answer[]) => readonly WordingWithValues[],
  ): Promise<Answer[]>
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
