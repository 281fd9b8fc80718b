import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { CompiledQuery, Kysely, MysqlDialect, PGliteDialect, PostgresDialect, SqliteDialect } from 'kysely'
import mysqlCallback from 'mysql2'
import pg from 'pg'
import { kyselyStore } from '../../src/drivers/kysely.ts'
import { LockFactory } from '../../src/index.ts'
import { migrateToLatest } from '../../src/schema/migrations.ts'
import type { ContractBackend, LockRow, OpenBackend } from './contract-backend.ts'
import { openMysql } from './open-mysql.ts'
import { openPostgres } from './open-postgres.ts'
import { openSqlite } from './open-sqlite.ts'
import type { Opened } from './opened.ts'
import { portableTable } from './portable-table.ts'
import { serverAddress } from './server-address.ts'
import { uniqueTableName } from './table-name.ts'

/** The contract's view of a database: a new table, made by the migrations, or as those do it who cannot use them. */
function sqlBackend(
  name: string,
  family: ContractBackend['family'],
  connect: () => Promise<Opened>,
  { isMadeByHand = false, batch = true } = {},
): ContractBackend {
  return {
    name,
    family,
    async open() {
      const opened = await connect()
      const tableName = uniqueTableName('contract')
      if (isMadeByHand) await opened.db.executeQuery(CompiledQuery.raw(portableTable(tableName)))
      else await migrate(opened, tableName)
      return openTable(opened, tableName, family, batch)
    },
  }
}

/** Kysely looks at all tables of the database first, and another test may be dropping one of them at that moment. */
async function migrate({ db }: Opened, tableName: string): Promise<void> {
  for (let efforts = 3; ; efforts--) {
    try {
      return await migrateToLatest(db, { tableName })
    } catch (error) {
      if (efforts === 1 || !/does not exist|doesn't exist/.test(String(error))) throw error
    }
  }
}

function openTable(
  { url, db, store, close }: Opened,
  tableName: string,
  family: ContractBackend['family'],
  batch: boolean,
): OpenBackend {
  const key = family === 'mysql' ? '`key`' : 'key'
  const send = async (text: string) =>
    (await db.executeQuery(CompiledQuery.raw(text))).rows as Record<string, unknown>[]
  const tables = [tableName, `${tableName}_migrations`, `${tableName}_migrations_lock`]
  return {
    address: url === undefined || family === 'memory' ? undefined : { family, url, tableName },
    send,
    store: () => store(tableName, batch),
    factory: (options) => new LockFactory(store(tableName, batch), options),
    async pass(ms) {
      const us = Math.round(ms * 1000)
      await send(
        `update ${tableName} set expires_at = expires_at - ${us}, acquired_at = acquired_at - ${us} where expires_at < 9223372036854775807`,
      )
    },
    async setToken(lockKey, token) {
      await send(`update ${tableName} set token = ${token} where ${key} = '${lockKey}'`)
    },
    async addFree(keys, forMs) {
      const freeSinceUs = (Date.now() - forMs) * 1000
      const rows = keys.map((lockKey) => `('${lockKey}', 5, ${freeSinceUs}, 5)`)
      await send(`insert into ${tableName} (${key}, token, expires_at, acquired_at) values ${rows.join(', ')}`)
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

/** Postgres through `pg`. The name tells the suite that nobody is told of releases. */
export function pgBackend(name: string, url: string, poolSize = 10, batch = true): ContractBackend {
  const { portable } = serverAddress(url)
  const driver = portable ? 'pg, portable' : 'pg'
  const options = { isMadeByHand: portable, batch }
  return sqlBackend(named(name, driver, batch), 'postgres', async () => openPostgres(url, poolSize), options)
}

/** MySQL or MariaDB through `mysql2/promise`. */
export function mysqlBackend(name: string, url: string, batch = true): ContractBackend {
  return sqlBackend(named(name, 'mysql2', batch), 'mysql', async () => openMysql(url), { batch })
}

/** SQLite, a file, through `better-sqlite3`. */
export function sqliteBackend(batch = true): ContractBackend {
  return sqlBackend(named('sqlite', 'better-sqlite3', batch), 'sqlite', async () => openSqliteIn(tmpdir()), { batch })
}

function openSqliteIn(parent: string): Opened {
  const folder = mkdtempSync(join(parent, 'verrou-contract-'))
  const opened = openSqlite(join(folder, 'locks.db'))
  return {
    ...opened,
    async close() {
      await opened.close()
      rmSync(folder, { recursive: true })
    },
  }
}

function named(server: string, driver: string, batch: boolean): string {
  return `${server}${batch ? '' : ', each call alone'} (${driver})`
}

/** Any of them through Kysely alone. */
export function kyselyBackend(name: string, family: 'postgres' | 'mysql' | 'sqlite', url: string): ContractBackend {
  const { url: address, portable } = serverAddress(url)
  const connect = async (): Promise<Opened> => {
    const db = new Kysely({ dialect: await kyselyDialect(family, address) })
    return {
      url: undefined,
      db,
      store: (tableName) => kyselyStore({ connection: db, tableName, portable }),
      close: () => db.destroy(),
    }
  }
  return sqlBackend(`${name} (kysely)`, family, connect, {
    isMadeByHand: family === 'postgres' && portable,
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
