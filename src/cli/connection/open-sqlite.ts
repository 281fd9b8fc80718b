import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { sqliteStore } from '../../drivers/better-sqlite3.ts'
import { CliError } from '../cli-error.ts'
import { printable } from '../output/printable.ts'
import type { OpenDatabase } from './connection.ts'
import { importDriver } from './import-driver.ts'

/**
 * An SQLite file, through `better-sqlite3`.
 *
 * @param mayCreate whether the file may be made; else a path with a typo in it would become an empty database
 * @throws CliError `NOT_FOUND`
 */
export async function openSqlite(path: string, mayCreate: boolean): Promise<OpenDatabase> {
  const { default: Database } = await importDriver('better-sqlite3', () => import('better-sqlite3'))
  if (!mayCreate && !existsSync(path)) {
    const advice = 'look at the path, or make it with `verrou migrate`'
    throw new CliError('NOT_FOUND', `there is no file ${printable(path)}: ${advice}`)
  }
  const database = new Database(path)
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) })
  return {
    db,
    dialect: 'sqlite',
    url: `sqlite:${path}`,
    lockStore: (table) => sqliteStore({ database, ...table }),
    close: () => db.destroy(),
  }
}

const EMBEDDED_FILE = './verrou.db'
const LONGEST_MS = 5_000

/** The file that is used when nobody has named a database. It is ours, so it gets a write-ahead log: readers beside one writer. */
export async function openEmbedded(): Promise<OpenDatabase & { readonly isNew: boolean }> {
  const { default: Database } = await importDriver('better-sqlite3', () => import('better-sqlite3'))
  const isNew = !existsSync(EMBEDDED_FILE)
  const database = new Database(EMBEDDED_FILE)
  await useWriteAheadLog(database)
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) })
  return {
    db,
    dialect: 'sqlite',
    url: `sqlite:${EMBEDDED_FILE}`,
    isNew,
    lockStore: (table) => sqliteStore({ database, ...table }),
    close: () => db.destroy(),
  }
}

/** Where several commands make the file at once, all but one find it locked: SQLite does not wait for this. */
async function useWriteAheadLog(database: Database): Promise<void> {
  for (const startMs = performance.now(); ; await sleep(20)) {
    try {
      if (database.pragma('journal_mode', { simple: true }) !== 'wal') database.pragma('journal_mode = wal')
      return
    } catch (error) {
      const isBusy = /^SQLITE_BUSY/.test(String((error as { code?: unknown }).code))
      if (!isBusy || performance.now() - startMs > LONGEST_MS) throw error
    }
  }
}
