import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { expect, test } from 'vitest'
import { kyselyStore } from '../src/drivers/kysely.ts'
import { LockFactory } from '../src/index.ts'
import { isSelected } from './servers/selection.ts'

test.runIf(isSelected('sqlite'))(
  'a waiter through Kysely hears that another connection to the file has released',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'verrou-kysely-file-'))
    const open = () => {
      const database = new Database(join(folder, 'locks.db'))
      database.pragma('journal_mode = wal')
      const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) })
      return { db, locks: new LockFactory(kyselyStore({ connection: db, autoCreateTable: true })) }
    }
    const [one, other] = [open(), open()]
    const held = await one.locks.createLock('k').hold()
    const granted = other.locks
      .createLock('k')
      .acquire({ retry: { delay: '1m', attempts: 100 } })
      .then(() => performance.now())
    await sleep(300)
    const releasedAtMs = performance.now()
    await held.release()
    expect((await granted) - releasedAtMs).toBeLessThan(5_000)
    for (const { db, locks } of [one, other]) {
      await locks.close()
      await db.destroy()
    }
    rmSync(folder, { recursive: true })
  },
)

test.runIf(!isSelected('sqlite'))('nothing to test: SQLite is not selected', () => {})
