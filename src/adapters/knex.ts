import '../node-version.ts'
import type { CallerTransaction, TransactionAnswer } from '../caller-transaction.ts'
import { errors } from '../errors.ts'
import { invalidOption } from '../options.ts'
import { mysql2Reply } from './mysql2-reply.ts'

export type { CallerTransaction, TransactionAnswer, TransactionStatement } from '../caller-transaction.ts'

/** The part of a transaction of Knex that is used; checked against the real types in the tests. */
export interface KnexTransactionLike {
  /** Whether it has ended. `knex` itself has no such method. */
  isCompleted(): boolean
  /** What sends its statements. */
  readonly client: KnexClientLike
}

/** The part of the client of a transaction of Knex that is used. */
export interface KnexClientLike {
  /** `mysql` for MariaDB, too. */
  readonly dialect: string
  /** The transaction's own connection, which stays where it is. */
  // biome-ignore lint/suspicious/noExplicitAny: each driver's own
  acquireConnection(): Promise<any>
  /** Sends one statement. Its `response` is what the driver said. */
  // biome-ignore lint/suspicious/noExplicitAny: each driver's own
  query(connection: any, query: { sql: string; bindings: unknown[]; method: string }): Promise<any>
}

/**
 * A transaction of Knex, for `verrou.within(…)` and `lock.guard(…)`. Postgres through `pg`, MySQL and MariaDB through `mysql2`,
 * SQLite through `better-sqlite3`.
 *
 * The statements are sent as Knex sends yours: its events and its debug output tell of them. Only `postProcessResponse`,
 * which is for your results, does not see ours.
 *
 * @param trx what `knex.transaction` returns or calls back with, not `knex` itself. A nested transaction (a savepoint) is
 * one of its own.
 * @throws LockError `E_INVALID_OPTION`: it is something else. Statements after its end are refused with
 * `E_TRANSACTION_REQUIRED`; nothing is sent then.
 * @example
 * await knex.transaction(async (trx) => {
 *   await verrou.within(fromKnex(trx)).lockUntilCommit('account:7')
 *   await trx('accounts').where({ id: 7 }).decrement('balance', 5)
 * })
 */
export function fromKnex(trx: KnexTransactionLike): CallerTransaction {
  if (!isTransaction(trx)) {
    throw invalidOption('transaction', 'a transaction of Knex: the `trx` of `knex.transaction`, not `knex`', trx)
  }
  return {
    handle: trx,
    async execute({ sql, returnsRows }, values) {
      if (trx.isCompleted()) throw new errors.E_TRANSACTION_REQUIRED('the transaction of Knex has ended')
      // Not through `trx.raw`: what that returns has been through the caller's `postProcessResponse`, which often renames
      // columns. Our placeholders are the database's, and nothing looks for others here.
      const query = { sql, bindings: [...values], method: returnsRows ? 'raw' : 'update' }
      const connection = await trx.client.acquireConnection()
      const { response, context } = await trx.client.query(connection, query)
      return trx.client.dialect === 'mysql' ? mysql2Reply(response[0]) : answer(response, context, connection)
    },
  }
}

function isTransaction(trx: unknown): boolean {
  // Both `knex` and `trx` are functions.
  return typeof trx === 'function' && 'isCompleted' in trx && typeof trx.isCompleted === 'function'
}

/** Postgres: a result with rows. SQLite: rows; or of `better-sqlite3` a number of changes, of `sqlite3` nothing. */
// biome-ignore lint/suspicious/noExplicitAny: each driver's own
function answer(response: any, context: any, connection: any): TransactionAnswer {
  const rows = Array.isArray(response) ? response : (response?.rows ?? [])
  const affectedRows = response?.rowCount ?? context?.changes ?? rows.length
  return { rows, affectedRows, insertId: 0, isInTransaction: connection.inTransaction }
}
