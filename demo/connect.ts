import { fileURLToPath } from 'node:url'
import { Kysely, MysqlDialect, PostgresDialect, SqliteDialect, sql } from 'kysely'
import { sqliteStore } from '../src/drivers/better-sqlite3.ts'
import { mysqlStore } from '../src/drivers/mysql2.ts'
import { pgStore } from '../src/drivers/pg.ts'
import type { LockStore } from '../src/index.ts'
import { reasonOf } from './reason-of.ts'

/** One database, used twice: for the tables of the demo (`db`), and for the locks. */
export interface Connection extends AsyncDisposable {
  readonly db: Kysely<unknown>
  /** Where it is, for people; without the password. */
  readonly place: string
  lockStore(tableName: string): LockStore
}

/** How long a server may take to let us in. */
const CONNECT_WITHIN_MS = 5_000

/** Connects to what the URL names: a server, or `file:` for SQLite. Loads no driver but the one it needs. */
export async function connect(url: string): Promise<Connection> {
  const { protocol, host } = new URL(url)
  const place = protocol === 'file:' ? 'SQLite (a temporary file)' : `${protocol}//${host}`
  const { db, lockStore } = await open(url, protocol)
  try {
    await sql`select 1`.execute(db)
  } catch (error) {
    throw new Error(`cannot connect to ${place}: ${reasonOf(error)}`)
  }
  return { db, place, lockStore, [Symbol.asyncDispose]: () => db.destroy() }
}

function open(url: string, protocol: string): Promise<Pick<Connection, 'db' | 'lockStore'>> {
  if (protocol === 'file:') return openSqlite(fileURLToPath(url))
  if (protocol.startsWith('postgres')) return openPostgres(url)
  return openMysql(url.replace(/^mariadb:/, 'mysql:'))
}

async function openSqlite(file: string) {
  const { default: Database } = await import('better-sqlite3')
  const database = new Database(file)
  // Readers beside one writer; a second writer waits for its turn (up to 5 s, the default of better-sqlite3).
  database.pragma('journal_mode = wal')
  return {
    db: new Kysely<unknown>({ dialect: new SqliteDialect({ database }) }),
    lockStore: (tableName: string) => sqliteStore({ database, tableName, autoCreateTable: true }),
  }
}

async function openPostgres(connectionString: string) {
  const { default: pg } = await import('pg')
  const pool = new pg.Pool({ connectionString, max: 2, connectionTimeoutMillis: CONNECT_WITHIN_MS })
  // An idle connection that breaks is no reason to crash: the next query says what is wrong.
  pool.on('error', () => {})
  return {
    db: new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) }),
    lockStore: (tableName: string) => pgStore({ pool, tableName, autoCreateTable: true }),
  }
}

async function openMysql(uri: string) {
  const { createPool } = await import('mysql2')
  const pool = createPool({ uri, connectionLimit: 2, connectTimeout: CONNECT_WITHIN_MS })
  return {
    db: new Kysely<unknown>({ dialect: new MysqlDialect({ pool }) }),
    // Kysely wants the pool with callbacks, the store the one of `mysql2/promise`: two faces of the same pool.
    lockStore: (tableName: string) => mysqlStore({ pool: pool.promise(), tableName, autoCreateTable: true }),
  }
}
