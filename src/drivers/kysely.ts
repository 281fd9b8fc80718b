import '../node-version.ts'
import type { Kysely } from 'kysely'
import { detectDialect, dialectNamed } from '../dialects/detect.ts'
import { hasOneConnection, isSqliteLikely, kyselyExecutor } from '../executors/kysely.ts'
import { singleConnectionExecutor } from '../executors/kysely-single-connection.ts'
import type { LockStore } from '../store/lock-store.ts'
import { hasMethod, type SqlStoreOptions, sqlStoreOf } from './sql-store-of.ts'

export type { TableOptions } from '../options.ts'
export type { SqlStoreOptions }

/** Options of {@link kyselyStore}. */
export interface KyselyStoreOptions extends SqlStoreOptions {
  /** A Kysely instance (0.28 or 0.29). It stays yours: it is never destroyed, and its plugins do not touch our table. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever tables the caller's database has
  readonly connection: Kysely<any>
}

/**
 * Leases in whatever database a Kysely instance talks to: Postgres, MySQL, MariaDB, SQLite or PGlite, which is found
 * out by asking it, once, at the first use.
 *
 * On SQLite the driver's own busy timeout applies; `better-sqlite3` blocks the event loop for that long. Use
 * `sqliteStore`, or open the database with `timeout: 0`, where several processes write.
 *
 * On Postgres, Kysely gives clients out without listening for their errors, so that a lost connection ends the process;
 * with or without locks, your pool needs `pool.on('connect', (client) => client.on('error', log))`.
 *
 * @throws LockError `E_INVALID_OPTION`
 * @example
 * const locks = new LockFactory(kyselyStore({ connection: db }))
 */
export function kyselyStore(options: KyselyStoreOptions): LockStore {
  return sqlStoreOf(options, {
    own: { connection: { rule: 'a Kysely instance that is not a transaction', isValid: isInstance } },
    executor: ({ connection }) => {
      return hasOneConnection(connection) ? singleConnectionExecutor(connection) : kyselyExecutor(connection)
    },
    dialectWithin: async (transaction, { connection }, table) => {
      const send = (sql: string) => transaction.execute({ sql, returnsRows: true }, [])
      return dialectNamed(await detectDialect(send, isSqliteLikely(connection)), table)
    },
    dialect:
      (executor, { connection }, table) =>
      async () => {
        const name = await detectDialect((sql) => executor.execute({ sql }, []), isSqliteLikely(connection))
        return dialectNamed(name, table)
      },
  })
}

/** In a transaction, a lease would be invisible to others until the commit, and gone after a rollback. */
function isInstance(connection: unknown): boolean {
  return hasMethod(connection, 'withoutPlugins') && (connection as { isTransaction?: unknown }).isTransaction !== true
}
