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
