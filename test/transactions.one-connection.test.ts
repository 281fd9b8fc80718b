import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import Database from 'better-sqlite3'
import { Kysely, PGliteDialect, SqliteDialect } from 'kysely'
import { Kysely as Kysely028, SqliteDialect as SqliteDialect028 } from 'kysely-028'
import { afterAll, describe, expect, test } from 'vitest'
import { sqliteStore } from '../src/drivers/better-sqlite3.ts'
import { kyselyStore } from '../src/drivers/kysely.ts'
import { memoryStore } from '../src/drivers/memory.ts'
import { LockFactory, type LockUntilCommit } from '../src/index.ts'
import { isSelected } from './servers/selection.ts'
import { rejection } from './suite/rejection.ts'
import { atOnce } from './suite/transactions/at-once.ts'

/** Databases with one connection, where the outside of a transaction is behind the transaction. */

const folder = mkdtempSync(join(tmpdir(), 'verrou-one-connection-'))
afterAll(() => rmSync(folder, { recursive: true }))

const OPENED: [name: string, open: (file: string) => Kysely<unknown>][] = [
  ['SQLite', (file) => new Kysely({ dialect: new SqliteDialect({ database: new Database(file) }) })],
  [
    'SQLite, Kysely 0.28',
    (file) =>
      new Kysely028({ dialect: new SqliteDialect028({ database: new Database(file) }) }) as unknown as Kysely<unknown>,
  ],
  ...(isSelected('postgres')
    ? [
        ['PGlite', () => new Kysely({ dialect: new PGliteDialect({ pglite: new PGlite() }) })] as [
          string,
          () => Kysely<unknown>,
        ],
      ]
    : []),
]

describe.runIf(isSelected('sqlite'))('one connection', () => {
  describe.each(OPENED)('%s', (name, open) => {
    const db = open(join(folder, `${name}.db`))
    const locks = new LockFactory(kyselyStore({ connection: db, autoCreateTable: true }))
    afterAll(() => db.destroy())

    test('a lock of the outside that is used inside a transaction is an error, not a hang', async () => {
      await locks.createLock('made').isLocked()
      const outcome = db.transaction().execute(async () => {
        await locks.createLock('k').acquire()
      })
      await rejection(atOnce(outcome), 'E_SINGLE_CONNECTION')
      expect(await locks.createLock('k').acquire()).toBe(true)
    })

    test('what nobody waits for any more is not sent later', async () => {
      const lock = locks.createLock('later')
      await db.transaction().execute(async () => {
        await rejection(lock.acquire(), 'E_SINGLE_CONNECTION')
      })
      expect(await lock.isLocked()).toBe(false)
    })

    test('locks of the transaction work on its connection', async () => {
      const held = await db.transaction().execute(async (trx) => {
        const lock = locks.within(trx).createLock('within')
        expect(await lock.acquire()).toBe(true)
        expect(((await locks.within(trx).lockUntilCommit('until')) as LockUntilCommit).fencingToken).toBeGreaterThan(0)
        return lock.serialize()
      })
      const lock = locks.restoreLock(held)
      expect(await lock.isLocked()).toBe(true)
      await lock.transaction(db, async () => {})
      await lock.release()
    })

    test('a short transaction of somebody else is waited for', async () => {
      const other = db.transaction().execute(() => new Promise((resolve) => setTimeout(resolve, 200)))
      expect(await locks.createLock('patient').acquireImmediately()).toBe(true)
      await other
    })
  })

  test('the first use of a store may be within a transaction', async () => {
    const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: new Database(join(folder, 'first.db')) }) })
    await new LockFactory(kyselyStore({ connection: db, autoCreateTable: true })).createLock('k').isLocked()
    const locks = new LockFactory(kyselyStore({ connection: db }))
    await db.transaction().execute(async (trx) => {
      expect(await atOnce(locks.within(trx).createLock('k').acquireImmediately())).toBe(true)
    })
    await db.destroy()
  })

  test('sqliteStore says so, too', async () => {
    const database = new Database(join(folder, 'store.db'))
    const locks = new LockFactory(sqliteStore({ database, autoCreateTable: true }))
    await locks.createLock('k').isLocked()
    database.exec('begin')
    await rejection(atOnce(locks.createLock('k').acquire()), 'E_SINGLE_CONNECTION')
    database.exec('rollback')
  })
})

test('the memory store has no transactions, and says so', async () => {
  const locks = new LockFactory(memoryStore())
  const transaction = { handle: {}, execute: () => Promise.reject(new Error('never sent')) }
  expect(() => locks.within(transaction)).toThrow(/no transactions/)
  const lock = locks.createLock('k')
  await lock.acquire()
  await rejection(lock.guard(transaction), 'E_UNSUPPORTED')
})
