import '../node-version.ts'
import { dialectNamed } from '../dialects/detect.ts'
import { nameSuffix } from '../executors/name-suffix.ts'
import { type PgPoolLike, pgExecutor } from '../executors/pg.ts'
import { BOOLEAN_RULE, type PortableOptions, type PresenceOptions, type ResolvedTable } from '../options.ts'
import {
  connectionBesidePg,
  LISTEN_RULE,
  type Listen,
  listeningBeside,
  listenUnless,
  presenceBeside,
} from '../store/beside-pool.ts'
import type { LockStore } from '../store/lock-store.ts'
import { hasMethod, type SqlStoreOptions, sqlStoreOf } from './sql-store-of.ts'

export type { PortableOptions, PresenceOptions, TableOptions } from '../options.ts'
export type { Listen, PgPoolLike, SqlStoreOptions }

/** Options of {@link pgStore}. */
export interface PgStoreOptions extends SqlStoreOptions, PortableOptions, PresenceOptions {
  /**
   * A `Pool` of `pg`. It stays yours: it is never closed or reconfigured. While leases are kept alive or waited for, the store has one
   * connection more, of its own, beyond the pool's `max`: renewals must not wait for a pool that is busy. It is made from the
   * pool's options; what you do on `pool.on('connect')` does not reach it (name a `schema` instead of setting a search path there).
   */
  readonly pool: PgPoolLike
  /**
   * Whether to use named prepared statements, which the server parses once per connection. Default: true. Behind a pooler that mixes
   * up their names, the store notices, and does without from then on; false saves it the try.
   */
  readonly prepare?: boolean | undefined
  /**
   * Whether to hear of releases by other processes, with `LISTEN`, so that waiters need not poll. Default: true. Behind a pooler in
   * transaction mode, where nothing is heard, give the direct address: `{ connectionString: 'postgres://…' }`; renewals
   * then go there, too.
   */
  readonly listen?: Listen | undefined
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
      pool: { rule: 'a Pool of pg', isValid: (pool) => hasMethod(pool, 'query'), isSecret: true },
      prepare: BOOLEAN_RULE,
      listen: LISTEN_RULE,
      portable: BOOLEAN_RULE,
      presence: BOOLEAN_RULE,
    },
    executor: (options, table) => pgExecutor(options.pool, nameSuffix(table, options.prepare)),
    ownConnection: beside,
    presenceConnection: (options, table) => presenceBeside(options, () => beside(options, table)),
    wakeSource: ({ listen, portable }, table, own, executor) =>
      listeningBeside(own, executor, table, listenUnless(portable, listen)),
    dialect: (_executor, { portable }, table) => {
      const dialect = dialectNamed('postgres', table, portable)
      return () => dialect
    },
  })
}

function beside(options: PgStoreOptions, table: ResolvedTable) {
  const { pool, listen } = options
  return connectionBesidePg({ pool, listen, nameSuffix: nameSuffix(table, options.prepare) })
}
