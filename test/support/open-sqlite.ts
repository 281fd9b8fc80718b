import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { sqliteStore } from '../../src/drivers/better-sqlite3.ts'
import { mutated } from '../mutation/mutated.ts'
import type { Opened } from './opened.ts'

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
    store(tableName, batch) {
      const broken = mutated('sqlite', tableName)
      const database = openFile()
      const prepare = database.prepare.bind(database)
      return sqliteStore({
        database: Object.assign(database, { prepare: (sql: string) => prepare(broken(sql)) }),
        tableName,
        batch,
      })
    },
    async close() {
      for (const database of opened) database.close()
    },
  }
}
