import type { Answer, ParameterName, Statement, StatementInput } from '../statement.ts'
import type { TroubleKind } from '../store-trouble.ts'
import type { DialectName } from './compiler.ts'

/**
 * What a statement of a try came to:
 * - `granted`
 * - `held`: somebody else's lease is in the way
 * - `locked`: an open transaction, or another statement at this moment, has the row; nobody knows what it will be
 * - `open`: the next statement of the try tells
 */
export type TryAnswer =
  | { readonly kind: 'granted'; readonly token: number; readonly grantedAtUs: number }
  | { readonly kind: 'held'; readonly freeInUs: number | null }
  | { readonly kind: 'locked' }
  | { readonly kind: 'open' }

/** One statement of a try, and how to read its answer. */
export interface TryStep {
  readonly statement: Statement
  read(answer: Answer): TryAnswer
}

/** What an error of the driver means. Beside trouble: findings about the table, and a row that is locked. */
export type ErrorMeaning = TroubleKind | 'missing-table' | 'outdated-table' | 'row-locked'

/** Every statement of a dialect, whole; those of a try are in {@link LockDialect.trySteps}. */
export interface LockStatements {
  readonly extend: Statement
  readonly release: Statement
  /** Frees what an unheard try may have taken. */
  readonly abandon: Statement
  readonly forceRelease: Statement
  readonly inspect: Statement
  /** One page of keys behind `afterKey`, each with whether it has been free for long. */
  readonly sweepLook: Statement
  /** Deletes one row, if it has still been free for long and nobody has it locked. */
  readonly sweepDelete: Statement
}

/** One database's words, and how to read its answers. Pure: no connection, no clock, no state. */
export interface LockDialect {
  readonly name: DialectName
  /** One try: each step is sent only if the one before left it open. */
  readonly trySteps: readonly TryStep[]
  readonly statements: LockStatements
  /** A value as the drivers of this database want it. */
  encode<Name extends ParameterName>(name: Name, given: StatementInput[Name]): unknown
  /** The moment of the extension by the database's clock, microseconds; `null`: the hold was not live. */
  readExtend(answer: Answer): number | null
  meaningOf(error: unknown, statement: string): ErrorMeaning
}

/** Rows that were free for this long are swept: an hour, by when nobody releases a hold that ran out. */
export const RETENTION_US = 3_600_000_000

/** Rows that one look of the sweep goes through: more than the grants between two looks, so that it keeps up. */
export const SWEEP_PAGE = 500

/** "Never" in `expires_at`: the largest bigint. Never crosses the wire, since JavaScript numbers cannot hold it. */
export const NEVER = '9223372036854775807'
