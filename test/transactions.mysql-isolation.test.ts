import { Kysely, MysqlDialect, sql } from 'kysely'
import mysql from 'mysql2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kyselyStore } from '../src/drivers/kysely.ts'
import { LockFactory } from '../src/index.ts'
import { rejection } from './suite/rejection.ts'
import { atOnce } from './suite/transactions/at-once.ts'
import { BACKENDS } from './support/backends.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { mysqlBackend } from './support/sql-backend.ts'

/** MySQL and MariaDB tell the isolation level of the session, not that of a transaction that was begun with another one. */

for (const { name, url } of BACKENDS.filter(({ family }) => family === 'mysql')) {
  describe(name, () => {
    let open: OpenBackend
    let locks: LockFactory
    let db: Kysely<unknown>
    beforeAll(async () => {
      open = await mysqlBackend(name, url).open()
      db = new Kysely({ dialect: new MysqlDialect({ pool: mysql.createPool(url) }) })
      locks = new LockFactory(kyselyStore({ connection: db, tableName: open.address?.tableName }))
    })
    afterAll(async () => {
      await db.destroy()
      await open.close()
    })

    test('the level of the session counts, unless the caller names one', async () => {
      const holder = locks.createLock('held')
      await holder.acquire()
      const started = db.transaction().setIsolationLevel('read committed')
      await started.execute(async (trx) => {
        await rejection(atOnce(locks.within(trx).createLock('held').acquire()), 'E_TRANSACTION_ISOLATION')
        const known = locks.within(trx, { isolationLevel: 'read committed' }).createLock('held')
        setTimeout(() => void holder.release(), 100)
        expect(await known.acquire()).toBe(true)
      })
    })

    test('the level that the session has by itself is seen', async () => {
      const holder = locks.createLock('held by session')
      await holder.acquire()
      await db.connection().execute(async (session) => {
        await sql`set session transaction isolation level read committed`.execute(session)
        await session.transaction().execute(async (trx) => {
          setTimeout(() => void holder.release(), 100)
          expect(await locks.within(trx).createLock('held by session').acquire()).toBe(true)
        })
        await sql`set session transaction isolation level repeatable read`.execute(session)
      })
    })

    test('a level that is none is refused', async () => {
      await db.transaction().execute(async (trx) => {
        expect(() => locks.within(trx, { isolationLevel: 'snapshot' as never })).toThrow(/isolationLevel/)
      })
    })
  })
}

test.runIf(!BACKENDS.some(({ family }) => family === 'mysql'))('nothing to test: no MySQL is selected', () => {})
