import '../node-version.ts'
import type { CallerTransaction } from '../caller-transaction.ts'
import { errors } from '../errors.ts'
import { invalidOption } from '../options.ts'

export type { CallerTransaction, TransactionAnswer, TransactionStatement } from '../caller-transaction.ts'

/** The part of a `better-sqlite3` database that is used; checked against the real types in the tests. */
export interface BetterSqlite3DatabaseLike {
  /** Whether a transaction is open. */
  readonly inTransaction: boolean
  /** Prepares a statement. */
  prepare(sql: string): {
    /** Whether it returns rows. */
    readonly reader: boolean
    /** Runs it, for its rows. */
    // biome-ignore lint/suspicious/noExplicitAny: as in @types/better-sqlite3
    all(...values: any[]): any[]
    /** Runs it, for its effect. */
    // biome-ignore lint/suspicious/noExplicitAny: as in @types/better-sqlite3
    run(...values: any[]): { changes: number }
  }
}

/**
 * The transaction that is open on a `better-sqlite3` database, for `verrou.within(…)` and `lock.guard(…)`.
 *
 * Begin it with `begin immediate`. After a plain `begin`, the first write fails when somebody else has written since the
 * first read. `database.transaction(callback)` is of no use, since its callback must not be asynchronous.
 *
 * @param database the `Database`, after `begin immediate`
 * @throws LockError `E_INVALID_OPTION`: it is something else. Statements are refused with `E_TRANSACTION_REQUIRED`
 * while no transaction is open; nothing is sent then.
 * @example
 * database.exec('begin immediate')
 * await verrou.within(fromBetterSqlite3(database)).lockUntilCommit('account:7')
 * database.prepare('update accounts set balance = balance - 5 where id = 7').run()
 * database.exec('commit')
 */
export function fromBetterSqlite3(database: BetterSqlite3DatabaseLike): CallerTransaction {
  if (typeof database?.prepare !== 'function' || typeof database.inTransaction !== 'boolean') {
    throw invalidOption('database', 'a Database of better-sqlite3 on which you have sent `begin immediate`', database)
  }
  return {
    // A new one each time: a database has one transaction after the other.
    handle: {},
    async execute({ sql }, values) {
      // SQLite would carry it out as a transaction of its own.
      if (!database.inTransaction) {
        throw new errors.E_TRANSACTION_REQUIRED('no transaction is open on the better-sqlite3 database')
      }
      const statement = database.prepare(sql)
      if (!statement.reader) {
        const { changes } = statement.run(...values)
        return { rows: [], affectedRows: changes, insertId: 0, isInTransaction: database.inTransaction }
      }
      const rows = statement.all(...values)
      return { rows, affectedRows: rows.length, insertId: 0, isInTransaction: database.inTransaction }
    },
  }
}
