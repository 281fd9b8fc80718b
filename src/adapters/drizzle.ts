import '../node-version.ts'
import type { CallerTransaction, TransactionAnswer } from '../caller-transaction.ts'
import { errors } from '../errors.ts'
import { invalidOption } from '../options.ts'
import { mysql2Reply } from './mysql2-reply.ts'

export type { CallerTransaction, TransactionAnswer, TransactionStatement } from '../caller-transaction.ts'

/** The part of a `tx` of Drizzle on a server that is used; checked against the real types in the tests. */
export interface DrizzleTransactionLike {
  /** Sends one statement on the connection of the transaction. */
  // biome-ignore lint/suspicious/noExplicitAny: Drizzle's own class, and each driver's own result
  execute(query: any): PromiseLike<any>
  /** What tells a `tx` from `db`, which has no such method. */
  rollback(): never
}

/** The part of a `db` of Drizzle on `better-sqlite3` that is used; checked against the real types in the tests. */
export interface DrizzleSqliteDatabaseLike {
  /** The database of `better-sqlite3`. */
  readonly $client: { readonly inTransaction: boolean }
  /** Runs one statement, for its rows. */
  // biome-ignore lint/suspicious/noExplicitAny: Drizzle's own class
  all(query: any): any[]
  /** Runs one statement, for its effect. */
  // biome-ignore lint/suspicious/noExplicitAny: Drizzle's own class
  run(query: any): { changes: number }
}

/**
 * A transaction of Drizzle, for `verrou.within(…)` and `lock.guard(…)`. Postgres through `node-postgres` or `postgres-js`, MySQL
 * and MariaDB through `mysql2`, SQLite through `better-sqlite3`.
 *
 * @param tx what `db.transaction` calls back with, not `db`. A nested one (a savepoint) is one of its own. On
 * `better-sqlite3` that callback must not be asynchronous: there begin by hand, on a `db` that nothing else uses meanwhile,
 * and pass that, once for each transaction.
 * @throws LockError `E_INVALID_OPTION`: it is something else. On SQLite, statements are refused with
 * `E_TRANSACTION_REQUIRED` while no transaction is open; nothing is sent then.
 * @example
 * await db.transaction(async (tx) => {
 *   await verrou.within(fromDrizzle(tx)).lockUntilCommit('account:7')
 *   await tx.update(accounts).set({ balance: 5 }).where(eq(accounts.id, 7))
 * })
 * @example
 * db.run(sql`begin immediate`)
 * await verrou.within(fromDrizzle(db)).lockUntilCommit('account:7')
 * db.update(accounts).set({ balance: 5 }).where(eq(accounts.id, 7)).run()
 * db.run(sql`commit`)
 */
export function fromDrizzle(tx: DrizzleTransactionLike | DrizzleSqliteDatabaseLike): CallerTransaction {
  const send = sendOn(tx)
  if (!send) {
    throw invalidOption(
      'transaction',
      'a transaction of Drizzle: the `tx` of `db.transaction`, not `db`; on better-sqlite3 a `db` on which you have run `begin immediate`',
      tx,
    )
  }
  let connectionError: unknown
  return {
    // A `tx` is one transaction. A `db` has one after the other, so a new one each time.
    handle: '$client' in tx ? {} : tx,
    async execute({ sql, returnsRows }, values) {
      // What the template `sql` of Drizzle makes, as far as Drizzle asks it: `getSQL` of an `SQLWrapper`, then `toQuery`.
      const query = { getSQL: () => ({ toQuery: () => ({ sql, params: [...values] }) }) }
      // postgres.js 3.4 throws an uncaught error, which ends the process, when it sends on a connection that is gone.
      if (connectionError !== undefined) throw connectionError
      try {
        return await send(query, returnsRows)
      } catch (error) {
        // The message of Drizzle's own error is the statement with all its values.
        const cause = (error as Error).cause ?? error
        if (isOfConnection(cause as { code?: unknown; severity?: unknown })) connectionError = cause
        throw cause
      }
    },
  }
}

/** `ECONNRESET` and the like of Node.js, `CONNECTION_CLOSED` and the like of postgres.js, or the last word of Postgres. */
function isOfConnection({ code, severity }: { code?: unknown; severity?: unknown }): boolean {
  return severity === 'FATAL' || /^(E[A-Z]+|CONNECTION_[A-Z]+)$/.test(String(code))
}

function sendOn(tx: unknown) {
  if (hasMethods(tx, ['execute', 'rollback']))
    return (query: object) => sendToServer(tx as DrizzleTransactionLike, query)
  if (!hasMethods(tx, ['all', 'run']) || !('$client' in (tx as object))) return undefined
  return (query: object, returnsRows: boolean) => sendToSqlite(tx as DrizzleSqliteDatabaseLike, query, returnsRows)
}

function hasMethods(given: unknown, names: string[]): boolean {
  if (typeof given !== 'object' || given === null) return false
  return names.every((name) => typeof (given as Record<string, unknown>)[name] === 'function')
}

async function sendToServer(tx: DrizzleTransactionLike, query: object): Promise<TransactionAnswer> {
  const result = await tx.execute(query)
  // `postgres-js`: rows, with a `command` and more. `mysql2`: rows or a reply, and columns.
  const isMysql = Array.isArray(result) && !('command' in result)
  const { rows = isMysql ? result[0] : result } = result
  if (Array.isArray(rows)) {
    return { rows, affectedRows: result.rowCount ?? result.count ?? rows.length, insertId: 0 }
  }
  return mysql2Reply(rows)
}

function sendToSqlite(db: DrizzleSqliteDatabaseLike, query: object, returnsRows: boolean): TransactionAnswer {
  // SQLite would carry it out as a transaction of its own.
  if (!db.$client.inTransaction)
    throw new errors.E_TRANSACTION_REQUIRED('no transaction is open on the `db` of Drizzle')
  const rows = returnsRows ? db.all(query) : []
  const affectedRows = returnsRows ? rows.length : db.run(query).changes
  return { rows, affectedRows, insertId: 0, isInTransaction: db.$client.inTransaction }
}
