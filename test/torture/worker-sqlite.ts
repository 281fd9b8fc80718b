import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { fromBetterSqlite3 } from '../../src/adapters/better-sqlite3.ts'
import { sqliteStore } from '../../src/drivers/better-sqlite3.ts'
import { kyselyStore } from '../../src/drivers/kysely.ts'
import type { BrokenBuild } from './broken/broken-build.ts'
import type { Send } from './work/work-kind.ts'
import type { WorkerDatabase } from './worker-database.ts'
import type { WorkerSettings } from './worker-settings.ts'

export async function openWorkerSqlite(
  { url, tableName, store, batch }: WorkerSettings,
  broken: BrokenBuild | undefined,
): Promise<WorkerDatabase> {
  const opened: Database.Database[] = []
  const open = () => {
    // Waiting inside the driver would block the event loop: waiting is ours.
    const database = new Database(url, { timeout: 0 })
    database.pragma('journal_mode = wal')
    opened.push(database)
    return database
  }
  const own = open()
  const db = new Kysely({ dialect: new SqliteDialect({ database: open() }) })
  const breakSql = broken?.breakSql
  const storeDatabase = open()
  const prepare = storeDatabase.prepare.bind(storeDatabase)
  if (breakSql) Object.assign(storeDatabase, { prepare: (sql: string) => prepare(breakSql(sql)) })
  const send: Send = async (sql) => {
    const statement = own.prepare(sql)
    if (statement.reader) return { rows: statement.all() as Record<string, unknown>[], changed: 0 }
    return { rows: [], changed: statement.run().changes }
  }
  const transaction = () => {
    const plain = fromBetterSqlite3(own)
    if (!breakSql) return plain
    const { handle, execute } = plain
    return { handle, execute: ((one, values) => execute({ ...one, sql: breakSql(one.sql) }, values)) as typeof execute }
  }
  let last: Promise<unknown> = Promise.resolve()
  const kysely = () => new Kysely({ dialect: new SqliteDialect({ database: open() }) })
  return {
    store:
      store === 'driver' || broken
        ? sqliteStore({ database: storeDatabase, tableName, batch })
        : kyselyStore({ connection: kysely(), tableName, batch }),
    db,
    // One transaction at a time: they share a connection.
    transact(work, beforeCommit) {
      const mine = last.then(async () => {
        await beginImmediate(own)
        try {
          await work({ transaction: transaction(), send })
          beforeCommit()
          own.exec('commit')
        } catch (error) {
          if (own.inTransaction) own.exec('rollback')
          throw error
        }
      })
      last = mine.catch(() => {})
      return mine
    },
    async close() {
      await last
      for (const database of opened) database.close()
    },
  }
}

/** Waits for other writers without blocking the event loop. */
async function beginImmediate(database: Database.Database): Promise<void> {
  const until = performance.now() + 5_000
  for (;;) {
    try {
      database.exec('begin immediate')
      return
    } catch (error) {
      if (!String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY') || performance.now() > until)
        throw error
    }
    await sleep(2 + Math.random() * 10)
  }
}
