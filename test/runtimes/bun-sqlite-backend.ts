import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { sqliteStore } from '../../src/drivers/better-sqlite3.ts'
import type { ContractBackend } from '../support/contract-backend.ts'
import type { Opened } from '../support/opened.ts'
import { sqlBackend } from '../support/sql-backend.ts'

/** Not a literal: its types come with Bun. */
const BUN_SQLITE: string = 'bun:sqlite'

/** SQLite, a file, through the module of Bun itself. It does what our store asks of better-sqlite3. */
export const bunSqliteBackend: ContractBackend = sqlBackend('sqlite (bun:sqlite)', 'sqlite', openBunSqlite)

/** All through one library: a second SQLite in the same process would give up the locks that the first one has on the file. */
async function openBunSqlite(): Promise<Opened> {
  const { Database: BunDatabase } = await import(BUN_SQLITE)
  const folder = mkdtempSync(join(tmpdir(), 'verrou-bun-'))
  const opened: Database.Database[] = []
  const openFile = (options?: object): Database.Database => {
    const database = new BunDatabase(join(folder, 'locks.db'), { create: true, readwrite: true, ...options })
    database.run('pragma journal_mode = wal')
    database.run('pragma synchronous = normal')
    opened.push(database)
    return database
  }
  return {
    url: join(folder, 'locks.db'),
    db: new Kysely({ dialect: new SqliteDialect({ database: openFile({ safeIntegers: true }) }) }),
    store: (tableName, batch) => sqliteStore({ database: openFile(), tableName, batch }),
    async close() {
      for (const database of opened) database.close()
      rmSync(folder, { recursive: true })
    },
  }
}
