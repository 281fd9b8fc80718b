import '../node-version.ts'
import type { CallerTransaction } from '../caller-transaction.ts'
import { invalidOption } from '../options.ts'

export type { CallerTransaction, TransactionAnswer, TransactionStatement } from '../caller-transaction.ts'

/** The part of the `sql` of a transaction of postgres.js that is used; checked against the real types in the tests. */
export interface PostgresJsTransactionLike {
  /** Sends one statement on the connection of the transaction. */
  // biome-ignore lint/suspicious/noExplicitAny: postgres.js takes the types that the caller has told it of
  unsafe(sql: string, values: any[], options: { prepare: boolean }): PromiseLike<PostgresJsRowsLike>
  /** What tells it from the `sql` outside, which has no such method. */
  // biome-ignore lint/suspicious/noExplicitAny: it is not called
  savepoint(...given: any[]): Promise<any>
}

/** The part of an answer of postgres.js that is used. */
// biome-ignore lint/suspicious/noExplicitAny: as in postgres.js
export interface PostgresJsRowsLike extends ReadonlyArray<any> {
  /** How many rows there are, or were written. */
  readonly count: number
}

/**
 * A transaction of postgres.js, for `verrou.within(…)` and `lock.guard(…)`.
 *
 * The statements are prepared once per connection, as postgres.js does it with yours, unless its option `prepare` is false.
 * Column names that its option `transform` has put into camel, Pascal or kebab case are put back; what functions of your
 * own there do to names and values is not.
 *
 * @param sql what `sql.begin` calls back with, not the `sql` outside. That of `sql.savepoint` is a transaction of its own.
 * @throws LockError `E_INVALID_OPTION`: it is something else
 * @example
 * await sql.begin(async (sql) => {
 *   await verrou.within(fromPostgresJs(sql)).lockUntilCommit('account:7')
 *   await sql`update accounts set balance = balance - 5 where id = 7`
 * })
 */
export function fromPostgresJs(sql: PostgresJsTransactionLike): CallerTransaction {
  if (!isTransaction(sql)) {
    throw invalidOption('transaction', 'a transaction of postgres.js: the `sql` that `sql.begin` calls back with', sql)
  }
  let connectionError: unknown
  return {
    handle: sql,
    async execute({ sql: text }, values) {
      // postgres.js 3.4 throws an uncaught error, which ends the process, when it sends on a connection that is gone.
      if (connectionError !== undefined) throw connectionError
      try {
        const answer = await sql.unsafe(text, [...values], { prepare: true })
        return { rows: answer.map(withSnakeCase), affectedRows: answer.count, insertId: 0 }
      } catch (error) {
        // What the server says of a statement is an `ERROR`; `FATAL` is its last word.
        if ((error as { severity?: string }).severity !== 'ERROR') connectionError = error
        throw error
      }
    },
  }
}

function isTransaction(sql: unknown): boolean {
  if (typeof sql !== 'function' || !('unsafe' in sql && 'savepoint' in sql)) return false
  return typeof sql.unsafe === 'function' && typeof sql.savepoint === 'function'
}

/** All our columns are lower case, words joined with `_`. */
function withSnakeCase(row: Record<string, unknown>): Record<string, unknown> {
  const snakeCase = (name: string) =>
    name
      .replaceAll('-', '_')
      .replaceAll(/(?<=.)[A-Z]/g, '_$&')
      .toLowerCase()
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [snakeCase(name), value]))
}
