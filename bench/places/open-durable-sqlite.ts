import Database from 'better-sqlite3'

/** The settings of all that is measured on SQLite. */
export const SQLITE_SETTINGS = { journal_mode: 'wal', synchronous: 'full' } as const

/** Opens a file so that every commit that returned outlives a crash of the machine. */
export function openDurableSqlite(path: string): Database.Database {
  const database = new Database(path)
  for (const [name, value] of Object.entries(SQLITE_SETTINGS)) database.pragma(`${name} = ${value}`)
  return database
}
