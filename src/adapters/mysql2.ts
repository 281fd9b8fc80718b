import '../node-version.ts'
import type { CallerTransaction } from '../caller-transaction.ts'
import { invalidOption } from '../options.ts'
import { mysql2Reply } from './mysql2-reply.ts'

export type { CallerTransaction, TransactionAnswer, TransactionStatement } from '../caller-transaction.ts'

/** The part of a connection of `mysql2/promise` that is used; checked against the real types in the tests. */
export interface Mysql2ConnectionLike {
  /** Prepares the statement, once per connection, and sends it. */
  execute(
    options: { sql: string; rowsAsArray: boolean; nestTables: boolean },
    // biome-ignore lint/suspicious/noExplicitAny: as in mysql2
    values: any[],
    // biome-ignore lint/suspicious/noExplicitAny: mysql2's result is a union that depends on the statement
  ): Promise<[any, any]>
}

/**
 * The transaction that is open on a connection of `mysql2/promise`, for `verrou.within(…)` and `lock.guard(…)`. MySQL and
 * MariaDB.
 *
 * @param connection what `createConnection()` or `pool.getConnection()` of `mysql2/promise` gave you, after
 * `beginTransaction()`. Not the pool, which may send each statement on another connection. Of a callback connection,
 * pass `connection.promise()`.
 * @throws LockError `E_INVALID_OPTION`: it is something else. Whether a transaction is open is told by the first
 * statement: `E_TRANSACTION_REQUIRED`.
 * @example
 * const connection = await pool.getConnection()
 * await connection.beginTransaction()
 * await verrou.within(fromMysql2(connection)).lockUntilCommit('account:7')
 * await connection.execute('update accounts set balance = balance - 5 where id = 7')
 * await connection.commit()
 */
export function fromMysql2(connection: Mysql2ConnectionLike): CallerTransaction {
  if (!isPromiseConnection(connection)) {
    throw invalidOption(
      'connection',
      'a connection of mysql2/promise on which you have begun a transaction: what `pool.getConnection()` gave you, not the pool; of a callback connection, `connection.promise()`',
      connection,
    )
  }
  return {
    // A new one each time: a connection has one transaction after the other.
    handle: {},
    async execute({ sql }, values) {
      // The shape of rows can be an option of the connection.
      const [result] = await connection.execute({ sql, rowsAsArray: false, nestTables: false }, [...values])
      return mysql2Reply(result)
    },
  }
}

/** A callback connection has `promise()`, and never answers without a callback; a pool has `getConnection()`. */
function isPromiseConnection(given: unknown): boolean {
  const { execute, beginTransaction, promise, getConnection } = (given ?? {}) as Record<string, unknown>
  return [execute, beginTransaction].every(isFunction) && ![promise, getConnection].some(isFunction)
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}
