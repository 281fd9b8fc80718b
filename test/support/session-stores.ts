import { Kysely, MysqlDialect, PostgresDialect } from 'kysely'
import mysqlCallback from 'mysql2'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { dialectNamed } from '../../src/dialects/detect.ts'
import { kyselyStore } from '../../src/drivers/kysely.ts'
import { mysqlStore } from '../../src/drivers/mysql2.ts'
import { pgStore } from '../../src/drivers/pg.ts'
import type { SqlExecutor } from '../../src/executors/executor.ts'
import type { HearingConnection } from '../../src/executors/reopening-connection.ts'
import type { LockStore } from '../../src/index.ts'
import { connectionBesideMysql2, connectionBesidePg } from '../../src/store/beside-pool.ts'
import { SessionLocks } from '../../src/store/session-locks.ts'
import { systemClock } from '../../src/system-clock.ts'
import { changedStore } from './changed-store.ts'

/** A store for session locks, as a process of its own would have it. Nobody makes a table. */
export interface SessionApp {
  readonly store: LockStore
  /** A connection beside the pool. */
  connect(): HearingConnection
  /** Takes every connection of the pool. @returns gives them back */
  takeAll(): Promise<() => void>
  end(): Promise<unknown>
}

interface Options {
  readonly tableName?: string
  readonly schema?: string
}

type Open = (url: string, options?: Options) => SessionApp

function onPg(url: string, storeOn: (pool: pg.Pool) => LockStore): SessionApp {
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  pool.on('error', () => {})
  return {
    store: storeOn(pool),
    connect: () => connectionBesidePg({ pool, listen: undefined, nameSuffix: 'test' }) as HearingConnection,
    async takeAll() {
      const client = await pool.connect()
      return () => client.release()
    },
    end: () => pool.end(),
  }
}

function onMysql(url: string, storeOn: (pool: mysqlCallback.Pool) => LockStore): SessionApp {
  const pool = mysqlCallback.createPool({
    uri: url,
    connectionLimit: 1,
    supportBigNumbers: true,
    bigNumberStrings: true,
  })
  const promises = pool.promise()
  return {
    store: storeOn(pool),
    connect: () => connectionBesideMysql2(pool) as HearingConnection,
    async takeAll() {
      const connection = await promises.getConnection()
      return () => connection.release()
    },
    end: () => promises.end(),
  }
}

/** Through the drivers that have session locks. */
export const SESSION_DRIVERS: Readonly<Record<'postgres' | 'mysql', Readonly<Record<string, Open>>>> = {
  postgres: {
    pgStore: (url, options) => onPg(url, (pool) => pgStore({ pool, ...options })),
    'kyselyStore with the pool': (url, options) =>
      onPg(url, (pool) =>
        kyselyStore({ connection: new Kysely({ dialect: new PostgresDialect({ pool }) }), pool, ...options }),
      ),
  },
  mysql: {
    mysqlStore: (url, options) =>
      onMysql(url, (pool) => mysqlStore({ pool: pool.promise() as mysql.Pool, ...options })),
    'kyselyStore with the pool': (url, options) =>
      onMysql(url, (pool) =>
        kyselyStore({ connection: new Kysely({ dialect: new MysqlDialect({ pool }) }), pool, ...options }),
      ),
  },
}

/** The driver of the database's own. */
export function openSessions(family: 'postgres' | 'mysql', url: string, options?: Options): SessionApp {
  const open = Object.values(SESSION_DRIVERS[family])[0] as Open
  return open(url, options)
}

/** The session of the server that holds the key; `undefined`: none. */
export async function holderOf(
  family: 'postgres' | 'mysql',
  url: string,
  tableName: string,
  key: string,
): Promise<number | undefined> {
  const words = dialectNamed(family, { tableName, schema: undefined }).session
  const { lock = '' } = words?.nameOf(key, new URL(url).pathname.slice(1)) ?? {}
  const [row] =
    family === 'postgres'
      ? await ask(
          family,
          url,
          `select pid as id from pg_locks where locktype = 'advisory' and granted
             and (classid::bigint << 32 | objid::bigint) = ${lock}`,
        )
      : await ask(family, url, `select is_used_lock('${lock}') as id`)
  return row && row.id !== null ? Number(row.id) : undefined
}

/** Whether the server has such a session. */
export async function hasSession(family: 'postgres' | 'mysql', url: string, id: number): Promise<boolean> {
  const rows =
    family === 'postgres'
      ? await ask(family, url, `select from pg_stat_activity where pid = ${id}`)
      : await ask(family, url, `select 1 from information_schema.processlist where id = ${id}`)
  return rows.length > 0
}

/** Ends a session of the server. */
export async function endSession(family: 'postgres' | 'mysql', url: string, id: number): Promise<void> {
  await ask(family, url, family === 'postgres' ? `select pg_terminate_backend(${id})` : `kill ${id}`)
}

async function ask(family: 'postgres' | 'mysql', url: string, sql: string): Promise<Record<string, unknown>[]> {
  if (family === 'postgres') {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      return (await client.query(sql)).rows
    } finally {
      await client.end()
    }
  }
  const connection = await mysql.createConnection(url)
  try {
    return (await connection.query(sql))[0] as Record<string, unknown>[]
  } finally {
    await connection.end()
  }
}

/** What a test changes of session locks. */
interface SessionChanges {
  /** All keys have one name at the server. */
  readonly name?: string
  /** What is between the store and its connections. */
  readonly connection?: (real: HearingConnection) => HearingConnection
}

/** A store with session locks alone, over the app's pool. */
export function changedSessions(
  { connect }: Pick<SessionApp, 'connect'>,
  family: 'postgres' | 'mysql',
  tableName: string,
  { name, connection = (real) => real }: SessionChanges,
): LockStore {
  const dialect = dialectNamed(family, { tableName, schema: undefined })
  const nameOf = name === undefined ? {} : { nameOf: () => ({ lock: name, want: `1${name}` }) }
  const changed = { ...dialect, session: dialect.session && { ...dialect.session, ...nameOf } }
  const executor: SqlExecutor = { execute: () => Promise.reject(new Error('nothing is sent through the pool')) }
  const parts = { connect: () => connection(connect()), executor, dialect: () => changed, clock: systemClock }
  const session = new SessionLocks(parts)
  return changedStore(() => ({ session, close: () => session.close() })).store
}
