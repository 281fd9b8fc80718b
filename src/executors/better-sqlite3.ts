import { errors } from '../errors.ts'
import type { SqlExecutor } from './executor.ts'

/** The part of a `better-sqlite3` database that is used; checked against the real types in the tests. */
export interface BetterSqlite3Like {
  /** Whether a transaction of the caller's is open. */
  readonly inTransaction: boolean
  /** Prepares a statement. */
  prepare(sql: string): BetterSqlite3StatementLike
}

/** The part of a prepared statement of `better-sqlite3` that is used. */
export interface BetterSqlite3StatementLike {
  /** Whether it returns rows. */
  readonly reader: boolean
  /** Runs it, for its rows. */
  // biome-ignore lint/suspicious/noExplicitAny: as in @types/better-sqlite3
  all(...values: any[]): any[]
  /** Runs it, for its effect. */
  // biome-ignore lint/suspicious/noExplicitAny: as in @types/better-sqlite3
  run(...values: any[]): { changes: number }
}

/**
 * Sends through a `better-sqlite3` database, with statements prepared once.
 *
 * The driver is synchronous: while it waits for another process's write lock, nothing else runs in this one, not even
 * the timers that keep leases alive. So nothing waits here (busy_timeout 0 for the length of the call, then the
 * caller's value again): a busy file is trouble that passes, and asked again later.
 *
 * @throws LockError `E_SINGLE_CONNECTION` while a transaction is open on the database
 */
export function betterSqlite3Executor(database: BetterSqlite3Like): SqlExecutor {
  const prepared = new Map<string, BetterSqlite3StatementLike>()
  const prepare = (sql: string): BetterSqlite3StatementLike => {
    const statement = prepared.get(sql) ?? database.prepare(sql)
    prepared.set(sql, statement)
    return statement
  }
  return {
    async execute({ sql }, values) {
      if (database.inTransaction) throw inTransactionError()
      const busyTimeoutMs = Number(prepare('pragma busy_timeout').all()[0]?.timeout)
      if (busyTimeoutMs !== 0) prepare('pragma busy_timeout = 0').all()
      try {
        const statement = prepare(sql)
        if (statement.reader) {
          const rows = statement.all(...values)
          return { rows, affectedRows: rows.length, insertId: 0 }
        }
        return { rows: [], affectedRows: statement.run(...values).changes, insertId: 0 }
      } finally {
        if (busyTimeoutMs !== 0) prepare(`pragma busy_timeout = ${busyTimeoutMs}`).all()
      }
    },
  }
}

/** What we wrote would be undone by the rollback of a transaction that we know nothing about. */
function inTransactionError() {
  return new errors.E_SINGLE_CONNECTION(
    'the better-sqlite3 database is inside a transaction; use `verrou.within(fromBetterSqlite3(database))` for locks of that transaction, ' +
      'or give the store a database of its own',
  )
}
