// Postgres, if DATABASE_URL names one; else a file beside the app.
import Sqlite from 'better-sqlite3'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import pg from 'pg'
import type { LockStore } from 'verrou-sql'
import { sqliteStore } from 'verrou-sql/drivers/better-sqlite3'
import { pgStore } from 'verrou-sql/drivers/pg'

interface Tables {
  payments: { id: string; amount: number }
}
export type Database = Kysely<Tables>

/** The app's database, and a store for its locks in the same one. */
export async function openDatabase(url = process.env.DATABASE_URL): Promise<{ db: Database; store: LockStore }> {
  const { db, store } = url === undefined ? openFile('app.db') : openPostgres(url)
  await db.schema
    .createTable('payments')
    .ifNotExists()
    .addColumn('id', 'varchar(200)', (column) => column.primaryKey())
    .addColumn('amount', 'integer', (column) => column.notNull())
    .execute()
  return { db, store }
}

function openPostgres(connectionString: string) {
  const pool = new pg.Pool({ connectionString })
  pool.on('error', (error) => console.error('a connection broke while idle:', error.message))
  const db: Database = new Kysely({ dialect: new PostgresDialect({ pool }) })
  return { db, store: pgStore({ pool, autoCreateTable: true }) }
}

/** Two connections: the locks must not wait for the transactions of the app, which has one. */
function openFile(path: string) {
  const db: Database = new Kysely({ dialect: new SqliteDialect({ database: openSqlite(path) }) })
  return { db, store: sqliteStore({ database: openSqlite(path), autoCreateTable: true }) }
}

function openSqlite(path: string) {
  const database = new Sqlite(path)
  database.pragma('journal_mode = wal')
  return database
}
