import '../node-version.ts'
import { dialectNamed } from '../dialects/detect.ts'
import { type Mysql2PoolLike, mysql2Executor } from '../executors/mysql2.ts'
import { BOOLEAN_RULE, type PortableOptions, type PresenceOptions } from '../options.ts'
import { connectionBesideMysql2, presenceBeside } from '../store/beside-pool.ts'
import type { LockStore } from '../store/lock-store.ts'
import { hasMethod, type SqlStoreOptions, sqlStoreOf } from './sql-store-of.ts'

export type { PortableOptions, PresenceOptions, TableOptions } from '../options.ts'
export type { Mysql2PoolLike, SqlStoreOptions }

/** Options of {@link mysqlStore}. */
export interface MysqlStoreOptions extends SqlStoreOptions, PortableOptions, PresenceOptions {
  /**
   * A pool of `mysql2/promise`. It stays yours: it is never closed or reconfigured. Of a callback pool, which Kysely
   * wants, pass `pool.promise()`: both are the same connections. While leases are kept alive, the store has one connection
   * more, of its own, beyond the pool's `connectionLimit`: renewals must not wait for a pool that is busy. It is made from the
   * pool's settings; what you do on `pool.on('connection')` does not reach it.
   */
  readonly pool: Mysql2PoolLike
}

/**
 * Leases in MySQL (8.4 or newer) or MariaDB (10.11 or newer) through a pool of `mysql2/promise`: one round trip per
 * try, two for a key that has never been locked, as prepared statements.
 *
 * @throws LockError `E_INVALID_OPTION`
 * @example
 * const pool = mysql.createPool(process.env.DATABASE_URL)
 * const locks = new LockFactory(mysqlStore({ pool }))
 */
export function mysqlStore(options: MysqlStoreOptions): LockStore {
  return sqlStoreOf(options, {
    own: {
      pool: { rule: 'a pool of mysql2/promise', isValid: isPromisePool, isSecret: true },
      portable: BOOLEAN_RULE,
      presence: BOOLEAN_RULE,
    },
    executor: ({ pool }) => mysql2Executor(pool),
    ownConnection: ({ pool }) => connectionBesideMysql2(pool),
    presenceConnection: (options) => presenceBeside(options, () => connectionBesideMysql2(options.pool)),
    dialect: (_executor, { portable }, table) => {
      const dialect = dialectNamed('mysql', table, portable)
      return () => dialect
    },
  })
}

/** The callback pool of `mysql2` has `execute`, too, but never answers without a callback; only it has `promise()`. */
function isPromisePool(pool: unknown): boolean {
  return hasMethod(pool, 'execute') && !hasMethod(pool, 'promise')
}
