import '../node-version.ts'
import type { Kysely } from 'kysely'
import { detectDatabase, dialectNamed, type SendQuestion } from '../dialects/detect.ts'
import type { LockDialect } from '../dialects/dialect.ts'
import type { OwnConnection, SqlExecutor } from '../executors/executor.ts'
import { hasOneConnection, isSqliteLikely, kyselyExecutor } from '../executors/kysely.ts'
import { singleConnectionExecutor } from '../executors/kysely-single-connection.ts'
import { type Mysql2CallbackPoolLike, type Mysql2PoolLike, mysql2Executor } from '../executors/mysql2.ts'
import { showsMysql2Settings } from '../executors/mysql2-connection.ts'
import { nameSuffix } from '../executors/name-suffix.ts'
import { type PgPoolLike, pgExecutor } from '../executors/pg.ts'
import { showsPgSettings } from '../executors/pg-connection.ts'
import type { HearingConnection } from '../executors/reopening-connection.ts'
import {
  BOOLEAN_RULE,
  invalidOption,
  type PortableOptions,
  type PresenceOptions,
  type ResolvedTable,
} from '../options.ts'
import {
  connectionBesideMysql2,
  connectionBesidePg,
  LISTEN_RULE,
  type Listen,
  listeningBeside,
  listenUnless,
  presenceBeside,
} from '../store/beside-pool.ts'
import type { LockStore } from '../store/lock-store.ts'
import type { ClosableWakeSource } from '../store/wake-source.ts'
import { WatchingFile } from '../store/watching-file.ts'
import { hasMethod, type SqlStoreOptions, sqlStoreOf } from './sql-store-of.ts'

export type { PortableOptions, PresenceOptions, TableOptions } from '../options.ts'
export type { Listen, Mysql2CallbackPoolLike, Mysql2PoolLike, PgPoolLike, SqlStoreOptions }

/** Options of {@link kyselyStore}. */
export interface KyselyStoreOptions extends SqlStoreOptions, PortableOptions, PresenceOptions {
  /** A Kysely instance (0.28 or 0.29). It stays yours: it is never destroyed, and its plugins do not touch our table. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever tables the caller's database has
  readonly connection: Kysely<any>
  /**
   * The pool that its dialect was made with: a `pg.Pool`, or a pool of `mysql2` (of callbacks, or of promises). Kysely does not show it. With it,
   * the store has one connection of its own, beyond the pool's limit, and made from the pool's settings: leases are kept alive though every connection of the
   * pool is busy; and on Postgres, waiters hear of releases instead of polling. What is not part of a transaction of yours is sent through the pool, too, as prepared
   * statements, which Kysely cannot send: on Postgres, a try costs half as much then, or less. Kysely's `log` does not see them.
   */
  readonly pool?: PgPoolLike | Mysql2PoolLike | Mysql2CallbackPoolLike | undefined
  /** With `pool`, on Postgres: as in `pgStore`. Default: true. */
  readonly prepare?: boolean | undefined
  /**
   * Postgres, with `pool`: whether to hear of releases by other processes, with `LISTEN`. Default: true. Behind a pooler in transaction
   * mode, where nothing is heard, give the direct address: `{ connectionString: 'postgres://…' }`; renewals then go there, too.
   */
  readonly listen?: Listen | undefined
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
    own: {
      connection: { rule: 'a Kysely instance that is not a transaction', isValid: isInstance, isSecret: true },
      pool: { rule: "the pg.Pool or mysql2 pool of the instance's dialect", isValid: isPool, isSecret: true },
      prepare: BOOLEAN_RULE,
      listen: LISTEN_RULE,
      portable: BOOLEAN_RULE,
      presence: BOOLEAN_RULE,
    },
    ownConnection,
    presenceConnection: (options, table) => presenceBeside(options, () => ownConnection(options, table)),
    wakeSource,
    executor,
    dialectWithin: (transaction, options, table) =>
      dialectOf((sql) => transaction.execute({ sql, returnsRows: true }, []), options, table),
    dialect: (executor, options, table) => () => dialectOf((sql) => executor.execute({ sql }, []), options, table),
  })
}

async function dialectOf(
  send: SendQuestion,
  { connection, portable }: KyselyStoreOptions,
  table: ResolvedTable,
): Promise<LockDialect> {
  const { name, lacksFeatures } = await detectDatabase(send, isSqliteLikely(connection))
  return dialectNamed(name, table, portable ?? lacksFeatures)
}

function executor({ connection, pool, prepare }: KyselyStoreOptions, table: ResolvedTable): SqlExecutor {
  if (prepare !== undefined && !(pool && isPgPool(pool))) {
    throw invalidOption('pool', 'a Pool of pg where `prepare` is given: nobody else lets statements have names', pool)
  }
  if (pool && !isSqliteLikely(connection))
    return isPgPool(pool) ? pgExecutor(pool, nameSuffix(table, prepare)) : mysql2Executor(promisePoolOf(pool))
  return hasOneConnection(connection) ? singleConnectionExecutor(connection) : kyselyExecutor(connection)
}

function promisePoolOf(pool: Mysql2PoolLike | Mysql2CallbackPoolLike): Mysql2PoolLike {
  return 'promise' in pool ? pool.promise() : pool
}

function wakeSource(
  { connection, pool, listen, portable }: KyselyStoreOptions,
  table: ResolvedTable,
  own: OwnConnection | undefined,
  executor: SqlExecutor,
): ClosableWakeSource | undefined {
  if (isSqliteLikely(connection)) return new WatchingFile(executor)
  // MySQL and MariaDB have nothing to listen to.
  if (pool && !isPgPool(pool)) return undefined
  return listeningBeside(own, executor, table, listenUnless(portable, listen))
}

function ownConnection(
  { pool, listen, prepare }: KyselyStoreOptions,
  table: ResolvedTable,
): HearingConnection | undefined {
  if (listen !== undefined && !pool) {
    const rule = 'given where `listen` is: the Pool of pg that the Kysely instance uses, which it does not show'
    throw invalidOption('pool', rule, pool)
  }
  if (!pool) return undefined
  if (isPgPool(pool)) return connectionBesidePg({ pool, listen, nameSuffix: nameSuffix(table, prepare) })
  if (listen === undefined) return connectionBesideMysql2(pool)
  throw invalidOption('pool', 'a Pool of pg where `listen` is given: only Postgres has something to listen to', pool)
}

function isPool(pool: unknown): boolean {
  if (pool === undefined) return true
  return typeof pool === 'object' && pool !== null && (isPgPool(pool) || showsMysql2Settings(pool))
}

function isPgPool(pool: object): pool is PgPoolLike {
  return hasMethod(pool, 'query') && showsPgSettings(pool as PgPoolLike)
}

/** In a transaction, a lease would be invisible to others until the commit, and gone after a rollback. */
function isInstance(connection: unknown): boolean {
  return hasMethod(connection, 'withoutPlugins') && (connection as { isTransaction?: unknown }).isTransaction !== true
}
