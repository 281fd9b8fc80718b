import type { Answer } from './statement.ts'

/** One statement of ours, to be sent on the caller's transaction. */
export interface TransactionStatement {
  /**
   * The text, in the placeholders of the database: `$1`, `$2`, … for Postgres, each of them once and in order; `?` for
   * the others. It contains no other `$` followed by a digit, and no other `?`.
   */
  readonly sql: string
  /** Whether it brings back rows. For drivers with one call for rows and another for effects. */
  readonly returnsRows: boolean
}

/**
 * A transaction of the caller's, as the locks see it: something that sends statements on it. The `from…` functions of
 * `verrou-sql/adapters/…` make one out of each library's own transaction.
 */
export interface CallerTransaction {
  /**
   * What stands for the transaction: an object that belongs to no other one. The library's own transaction, if it has such an
   * object; for a connection, which has one transaction after the other, a new object each time. What the transaction has
   * locked is remembered by it.
   */
  readonly handle: object
  /**
   * Sends one statement, with its values in order, and nothing else: no retry, no savepoint. The driver's error comes out
   * as it is, or as the `cause` of the library's own error.
   */
  execute(statement: TransactionStatement, values: readonly unknown[]): Promise<TransactionAnswer>
}

/** What a statement brought back. */
export interface TransactionAnswer extends Answer {
  /**
   * Whether a transaction was open when the answer came, where the driver tells: MySQL's drivers by the status flags of
   * a reply, `better-sqlite3` by `inTransaction`. Left out: unknown.
   */
  readonly isInTransaction?: boolean | undefined
}

/** The part of Kysely's `Transaction` that is used; checked against the real types in the tests. */
export interface KyselyTransactionLike {
  /** Only a `Transaction` has `true` here. */
  readonly isTransaction: true
  /** Our statements are sent without the plugins of the caller. */
  withoutPlugins(): {
    // biome-ignore lint/suspicious/noExplicitAny: Kysely's own compiled query
    executeQuery(query: any): Promise<{ rows: unknown[]; numAffectedRows?: bigint; insertId?: bigint }>
  }
}

/** What `within` and `guard` take: a transaction of Kysely, or one of another library, made by its `from…` function. */
export type TransactionLike = KyselyTransactionLike | CallerTransaction
