// Locks in an SQLite file, with what Bun has built in.
//   bun add verrou-sql kysely
//   bun sqlite.ts
import { Database } from 'bun:sqlite'
import { LockFactory } from 'verrou-sql'
import { sqliteStore } from 'verrou-sql/drivers/better-sqlite3'

const database = new Database('app.db')
database.run('pragma journal_mode = wal')
// It does what is asked of better-sqlite3; only its types do not say so.
const locks = new LockFactory(sqliteStore({ database: database as never, autoCreateTable: true }))

const [ran, total] = await locks.createLock('invoice:42', '30s').run(async () => 42)
console.log(ran, total) // true 42

await locks.close()
database.close()
