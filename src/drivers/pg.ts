import '../node-version.ts'
import { createHash } from 'node:crypto'
import { dialectNamed } from '../dialects/detect.ts'
import { type PgPoolLike, pgExecutor } from '../executors/pg.ts'
import type { LockStore } from '../store/lock-store.ts'
import { hasMethod, type SqlStoreOptions, sqlStoreOf } from './sql-store-of.ts'

export type { TableOptions } from '../options.ts'
export type { PgPoolLike, SqlStoreOptions }

/** Options of {@link pgStore}. */
export interface PgStoreOptions extends SqlStoreOptions {
  /** A `Pool` of `pg`. It stays yours: it is never closed or reconfigured. */
  readonly pool: PgPoolLike
  /**
   * Whether to use named prepared statements, which the server parses once per connection. Default: true. Set it to
   * false behind a pooler in transaction mode that does not support them.
   */
  readonly prepare?: boolean | undefined
}

/**
 * Leases in Postgres (14 or newer) through a pool of `pg`: one round trip per try, as prepared statements.
 *
 * @throws LockError `E_INVALID_OPTION`
 * @example
 * const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
 * const locks = new LockFactory(pgStore({ pool }))
 */
export function pgStore(options: PgStoreOptions): LockStore {
  return sqlStoreOf(options, {
    own: {
      pool: { rule: 'a Pool of pg', isValid: (pool) => hasMethod(pool, 'query') },
      prepare: { rule: 'true or false', isValid: (prepare) => prepare === undefined || typeof prepare === 'boolean' },
    },
    executor: ({ pool, prepare = true }, { schema = '', tableName }) =>
      pgExecutor(pool, prepare ? shortHash(`${schema}.${tableName}`) : null),
    dialect: (_executor, _options, table) => {
      const dialect = dialectNamed('postgres', table)
      return () => dialect
    },
  })
}

/** Statement names are cut off at 63 bytes, so table names cannot stand in them as they are. */
function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}
