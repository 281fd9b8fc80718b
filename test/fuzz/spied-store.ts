import Database from 'better-sqlite3'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { dialectNamed } from '../../src/dialects/detect.ts'
import { sqliteStore } from '../../src/drivers/better-sqlite3.ts'
import { mysqlStore } from '../../src/drivers/mysql2.ts'
import { pgStore } from '../../src/drivers/pg.ts'
import type { LockStore } from '../../src/index.ts'
import { statementsOf } from '../mutation/mutated.ts'
import type { TableAddress } from '../support/contract-backend.ts'

/** A store, and every text that has reached its driver. */
export interface SpiedStore {
  readonly store: LockStore
  /** Texts that are none of the statements that are reviewed in `sql/`. */
  unknownTexts(): string[]
  readonly texts: ReadonlySet<string>
  close(): Promise<void>
}

/** What is sent to find out what database it is, and so as not to wait in a file, nor for the disk more often than needed: fixed texts, too. */
const OTHERS = [
  'select sqlite_version() as version',
  'pragma busy_timeout',
  'pragma busy_timeout = 0',
  'pragma busy_timeout = 5000',
  'pragma data_version',
  'pragma journal_mode',
  'pragma synchronous',
  'begin',
  'begin immediate',
  'commit',
  'rollback',
]

/** Opens a store of the table whose driver is watched. */
export function spiedStore({ family, url, tableName }: TableAddress, schema?: string): SpiedStore {
  const texts = new Set<string>()
  const opened = OPEN[family](url, (text) => texts.add(text), {
    tableName,
    ...(schema === undefined ? {} : { schema }),
  })
  const known = new Set([...statementsOf(dialectNamed(family, { tableName, schema })).map(({ sql }) => sql), ...OTHERS])
  return { ...opened, texts, unknownTexts: () => [...texts].filter((text) => !known.has(text)) }
}

type Open = (
  url: string,
  note: (text: string) => void,
  table: { tableName: string; schema?: string },
) => { store: LockStore; close(): Promise<void> }

const OPEN: Readonly<Record<TableAddress['family'], Open>> = {
  postgres(url, note, table) {
    const pool = new pg.Pool({ connectionString: url, max: 10 })
    const query = (asked: { text: string; values: unknown[] }) => {
      note(asked.text)
      return pool.query(asked)
    }
    return { store: pgStore({ pool: { query }, ...table }), close: () => pool.end() }
  },
  mysql(url, note, table) {
    const pool = mysql.createPool({ uri: url, connectionLimit: 10 })
    // biome-ignore lint/suspicious/noExplicitAny: as mysql2 has it
    const execute = (text: string, values: any[]) => {
      note(text)
      return pool.execute(text, values)
    }
    return { store: mysqlStore({ pool: { execute }, ...table }), close: () => pool.end() }
  },
  sqlite(path, note, table) {
    const database = new Database(path)
    const prepare = (text: string) => {
      note(text)
      return database.prepare(text)
    }
    const spied = {
      prepare,
      get inTransaction() {
        return database.inTransaction
      },
    }
    return { store: sqliteStore({ database: spied, ...table }), close: async () => void database.close() }
  },
}
