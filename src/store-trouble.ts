import { describeValue } from './describe-value.ts'

/**
 * - `transient`: the database undid the statement; the same again can work (serialization failure, deadlock, busy).
 * - `unreachable`: there was no connection to send it on.
 * - `unanswered`: the connection failed; the statement may or may not have been carried out.
 * - `failed`: the database refused the statement with an error; nothing happened.
 * - `unknown`: anything else. Counts as a bug: not repeated, but cleaned up after.
 */
export type TroubleKind = 'transient' | 'unreachable' | 'unanswered' | 'failed' | 'unknown'

/** How a store says that it has no answer. Never means that somebody holds the lock. */
export class StoreTrouble extends Error {
  /** What is known of the statement. */
  readonly kind: TroubleKind

  /** Says what is known of the statement; `cause` is the error of the driver. */
  constructor(kind: TroubleKind, cause: unknown) {
    super(cause instanceof Error ? cause.message : describeValue(cause), { cause })
    this.name = 'StoreTrouble'
    this.kind = kind
  }

  /** Whether it is no trouble of the database, but a row that somebody has locked. */
  get isRowLocked(): boolean {
    return false
  }

  /** Whether the same question can have an answer if it is put again. */
  get canPass(): boolean {
    return this.kind === 'transient' || this.kind === 'unreachable' || this.kind === 'unanswered'
  }

  /** Whether the statement may have been carried out all the same. */
  get mayHaveHappened(): boolean {
    return this.kind === 'unanswered' || this.kind === 'unknown'
  }
}

/** Any error of a store as trouble: an error that the store did not classify is a bug of the store. */
export function asTrouble(error: unknown): StoreTrouble {
  return error instanceof StoreTrouble ? error : new StoreTrouble('unknown', error)
}
