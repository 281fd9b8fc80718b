import '../node-version.ts'
import { detectDialect, dialectNamed } from '../dialects/detect.ts'
import type { LockDialect } from '../dialects/dialect.ts'
import {
  type BetterSqlite3Like,
  type BetterSqlite3StatementLike,
  betterSqlite3Executor,
} from '../executors/better-sqlite3.ts'
import type { LockStore } from '../store/lock-store.ts'
import { WatchingFile } from '../store/watching-file.ts'
import { hasMethod, type SqlStoreOptions, sqlStoreOf } from './sql-store-of.ts'

export type { TableOptions } from '../options.ts'
export type { BetterSqlite3Like, BetterSqlite3StatementLike, SqlStoreOptions }

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions extends SqlStoreOptions {
  /** A `Database` of `better-sqlite3`. It stays yours: it is never closed or reconfigured. */
  readonly database: BetterSqlite3Like
}

/**
 * Leases in an SQLite file (SQLite 3.42 or newer) through `better-sqlite3`. All processes must be on one machine.
 * Never blocks the event loop to wait for another process's write: a busy file is asked again a moment later. In a write-ahead log, a
 * release does not wait for the disk (`pragma synchronous` is `normal` for its time, and then yours again): one that is lost when the power
 * fails means waiting for the end of the lease.
 *
 * @throws LockError `E_INVALID_OPTION`
 * @example
 * const database = new Database('app.db')
 * database.pragma('journal_mode = wal')
 * const locks = new LockFactory(sqliteStore({ database }))
 */
export function sqliteStore(options: SqliteStoreOptions): LockStore {
  return sqlStoreOf(options, {
    own: { database: { rule: 'a Database of better-sqlite3', isValid: isDatabase } },
    executor: ({ database }) => betterSqlite3Executor(database),
    wakeSource: ({ database }, _table, _own, executor) => {
      return isInMemory(database) ? undefined : new WatchingFile(executor)
    },
    dialect: (executor, _options, table) => async (): Promise<LockDialect> => {
      // Asks for the version: an SQLite without sub-second time would store nulls.
      await detectDialect((sql) => executor.execute({ sql }, []), true)
      return dialectNamed('sqlite', table)
    },
    dialectWithin: async (transaction, _options, table) => {
      await detectDialect((sql) => transaction.execute({ sql, returnsRows: true }, []), true)
      return dialectNamed('sqlite', table)
    },
  })
}

/** Without a word on transactions it is another library's, such as node:sqlite, whose statements do not tell whether they return rows. */
function isDatabase(given: unknown): boolean {
  return hasMethod(given, 'prepare') && typeof (given as Partial<BetterSqlite3Like>).inTransaction === 'boolean'
}

/** What is in memory belongs to this connection alone: there is nobody to hear of. */
function isInMemory(database: BetterSqlite3Like): boolean {
  return (database as { memory?: unknown }).memory === true
}
