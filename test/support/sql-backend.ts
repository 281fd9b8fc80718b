import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { CompiledQuery, Kysely, MysqlDialect, PGliteDialect, PostgresDialect, SqliteDialect } from 'kysely'
import mysqlCallback from 'mysql2'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { sqliteStore } from '../../src/drivers/better-sqlite3.ts'
import { kyselyStore } from '../../src/drivers/kysely.ts'
import { mysqlStore } from '../../src/drivers/mysql2.ts'
import { pgStore } from '../../src/drivers/pg.ts'
import { LockFactory, type LockStore } from '../../src/index.ts'
import { migrateToLatest } from '../../src/schema/migrations.ts'
import type { ContractBackend, LockRow, OpenBackend, TableAddress } from './contract-backend.ts'
import { uniqueTableName } from './table-name.ts'

/** How a backend is opened: the connection for the back door, and a maker of stores. */
export interface Opened {
  /** A URL, or the path of the file; `undefined`: no other process can open it. */
  readonly url: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: no tables are typed here
  readonly db: Kysely<any>
  store(tableName: string): LockStore
  close(): Promise<void>
}

/** The contract's view of a database: a new table, made by the migrations. */
function sqlBackend(name: string, family: ContractBackend['family'], connect: () => Promise<Opened>): ContractBackend {
  return {
    name,
    family,
    async open() {
      const opened = await connect()
      const tableName = uniqueTableName('contract')
      await migrateToLatest(opened.db, { tableName })
      return openTable(opened, tableName, family)
    },
  }
}

function openTable(
  { url, db, store, close }: Opened,
  tableName: string,
  family: ContractBackend['family'],
): OpenBackend {
  const key = family === 'mysql' ? '`key`' : 'key'
  const send = async (text: string) =>
    (await db.executeQuery(CompiledQuery.raw(text))).rows as Record<string, unknown>[]
  const tables = [tableName, `${tableName}_migrations`, `${tableName}_migrations_lock`]
  return {
    address: url === undefined || family === 'memory' ? undefined : { family, url, tableName },
    send,
    store: () => store(tableName),
    factory: (options) => new LockFactory(store(tableName), options),
    async pass(ms) {
      const us = Math.round(ms * 1000)
      await send(
        `update ${tableName} set expires_at = expires_at - ${us}, acquired_at = acquired_at - ${us} where expires_at < 9223372036854775807`,
      )
    },
    async setToken(lockKey, token) {
      await send(`update ${tableName} set token = ${token} where ${key} = '${lockKey}'`)
    },
    async rows() {
      return (await send(`select * from ${tableName} order by ${key}`)).map(lockRow)
    },
    async close() {
      for (const table of tables) await send(`drop table if exists ${table}`)
      await close()
    },
  }
}

function lockRow(row: Record<string, unknown>): LockRow {
  const text = (given: unknown) => (given === null ? null : String(given))
  return {
    key: String(row.key),
    owner: text(row.owner),
    token: Number(row.token),
    expiresAt: BigInt(row.expires_at as string),
    heldBy: text(row.held_by),
  }
}

/** Postgres through `pg`. */
export function pgBackend(name: string, url: string, poolSize = 10): ContractBackend {
  return sqlBackend(`${name} (pg)`, 'postgres', async () => openPostgres(url, poolSize))
}

/** A pool of `pg`, and Kysely on the same. */
export function openPostgres(url: string, poolSize = 10): Opened {
  const pool = new pg.Pool({ connectionString: url, max: poolSize })
  pool.on('error', () => {})
  // Kysely gives a client out without listening for its errors: without this a lost connection ends the process.
  pool.on('connect', (client) => client.on('error', () => {}))
  return {
    url,
    db: new Kysely({ dialect: new PostgresDialect({ pool }) }),
    store: (tableName) => pgStore({ pool, tableName }),
    close: () => pool.end(),
  }
}

/** MySQL or MariaDB through `mysql2/promise`. */
export function mysqlBackend(name: string, url: string): ContractBackend {
  return sqlBackend(`${name} (mysql2)`, 'mysql', async () => openMysql(url))
}

/** A pool of `mysql2/promise`, and Kysely on one of its own. */
export function openMysql(url: string, poolSize = 10): Opened {
  const pool = mysql.createPool({ uri: url, connectionLimit: poolSize })
  const exact = { supportBigNumbers: true, bigNumberStrings: true }
  const callbackPool = mysqlCallback.createPool({ uri: url, connectionLimit: 2, ...exact })
  return {
    url,
    db: new Kysely({ dialect: new MysqlDialect({ pool: callbackPool }) }),
    store: (tableName) => mysqlStore({ pool, tableName }),
    async close() {
      // Connections that a test has broken cannot say goodbye.
      await pool.end().catch(() => {})
      await new Promise((done) => callbackPool.end(done))
    },
  }
}

/** SQLite, a file, through `better-sqlite3`. */
export function sqliteBackend(): ContractBackend {
  return sqlBackend('sqlite (better-sqlite3)', 'sqlite', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'verrou-contract-'))
    const opened = openSqlite(join(folder, 'locks.db'))
    return {
      ...opened,
      async close() {
        await opened.close()
        rmSync(folder, { recursive: true })
      },
    }
  })
}

/** A file. Every store has its own connection to it, as another process would. */
export function openSqlite(path: string): Opened {
  const opened: Database.Database[] = []
  const openFile = () => {
    const database = new Database(path)
    database.pragma('journal_mode = wal')
    // What is tested is what happens when processes die, not when the machine does.
    database.pragma('synchronous = normal')
    opened.push(database)
    return database
  }
  const backDoor = openFile()
  backDoor.defaultSafeIntegers(true)
  return {
    url: path,
    db: new Kysely({ dialect: new SqliteDialect({ database: backDoor }) }),
    store: (tableName) => sqliteStore({ database: openFile(), tableName }),
    async close() {
      for (const database of opened) database.close()
    },
  }
}

/** What another process opens of a table. */
export function openAddress({ family, url }: TableAddress): Opened {
  if (family === 'postgres') return openPostgres(url, 2)
  return family === 'mysql' ? openMysql(url, 2) : openSqlite(url)
}

/** Any of them through Kysely alone. */
export function kyselyBackend(name: string, family: 'postgres' | 'mysql' | 'sqlite', url: string): ContractBackend {
  return sqlBackend(`${name} (kysely)`, family, async () => {
    const db = new Kysely({ dialect: await kyselyDialect(family, url) })
    return {
      url: undefined,
      db,
      store: (tableName) => kyselyStore({ connection: db, tableName }),
      close: () => db.destroy(),
    }
  })
}

async function kyselyDialect(family: 'postgres' | 'mysql' | 'sqlite', url: string) {
  if (family === 'sqlite') return new SqliteDialect({ database: new Database(url) })
  if (family === 'mysql') {
    return new MysqlDialect({
      pool: mysqlCallback.createPool({ uri: url, supportBigNumbers: true, bigNumberStrings: true }),
    })
  }
  if (url !== 'pglite') return new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) })
  const { PGlite } = await import('@electric-sql/pglite')
  return new PGliteDialect({ pglite: new PGlite() })
}
