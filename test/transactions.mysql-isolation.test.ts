import { Kysely, MysqlDialect, sql } from 'kysely'
import mysql from 'mysql2'
import mysqlPromise from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fromMysql2 } from '../src/adapters/mysql2.ts'
import { kyselyStore } from '../src/drivers/kysely.ts'
import { type CallerTransaction, LockFactory } from '../src/index.ts'
import { rejection } from './suite/rejection.ts'
import { atOnce } from './suite/transactions/at-once.ts'
import { BACKENDS } from './support/backends.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { mysqlBackend } from './support/sql-backend.ts'

/** MySQL and MariaDB tell the isolation level of the session, not that of a transaction that was begun with another one. */

/** Which statement of a try it is. */
function stepOf(sql: string): string {
  if (sql.startsWith('set')) return 'hurry'
  if (/for update nowait/.test(sql)) return 'take'
  return /insert/.test(sql) ? 'create' : sql.startsWith('update') ? 'abandon' : 'look'
}

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

    test('a call that was aborted on its way sends nothing once the transaction has ended', async () => {
      const connection = await mysqlPromise.createConnection(url)
      await locks.createLock('known').run(() => {})
      const ways = name.startsWith('mariadb') ? ['look', 'create'] : ['look', 'hurry', 'create']
      for (const want of ['new lease', 'lease', 'lock until commit'] as const) {
        for (const at of want === 'new lease' ? ways : ['look']) {
          const key = want === 'new lease' ? `aborted at ${at}` : 'known'
          const controller = new AbortController()
          const sent: string[] = []
          const { execute } = fromMysql2(connection)
          const aborting: CallerTransaction = {
            handle: {},
            execute(statement, values) {
              sent.push(stepOf(statement.sql))
              if (sent.at(-1) === at) queueMicrotask(() => controller.abort(new Error('enough')))
              return execute(statement, values)
            },
          }
          await connection.beginTransaction()
          const { signal } = controller
          const within = locks.within(aborting)
          const call =
            want === 'lock until commit'
              ? within.lockUntilCommit(key, { signal })
              : within.createLock(key).acquire({ signal })
          await expect(call).rejects.toThrow('enough')
          await connection.commit()
          // What is on its way has arrived by then.
          await new Promise((resolve) => setTimeout(resolve, 50))
          await connection.query('select 1')
          expect(sent.slice(sent.indexOf(at) + 1).filter((step) => step === 'take' || step === 'create')).toEqual([])
          expect(await locks.createLock(key).isLocked(), at).toBe(false)
        }
      }
      const [rows] = await connection.query('select @@innodb_lock_wait_timeout as seconds')
      expect(rows).not.toEqual([{ seconds: 1 }])
      await connection.end()
    })

    test.runIf(name.startsWith('mariadb'))('a row that is newer than the snapshot ends the transaction', async () => {
      await locks.createLock('changed').run(() => {})
      const connection = await mysqlPromise.createConnection(url)
      await connection.query('set session innodb_snapshot_isolation = 1')
      await connection.beginTransaction()
      await connection.query(`select count(*) from ${open.address?.tableName}`)
      await locks.createLock('changed').run(() => {})
      const within = locks.within(fromMysql2(connection))
      await rejection(within.createLock('changed').acquireImmediately(), 'E_TRANSACTION_CONFLICT')
      await rejection(within.createLock('another').acquireImmediately(), 'E_TRANSACTION_FAILED')
      await connection.rollback()
      expect(await locks.createLock('another').isLocked()).toBe(false)
      await connection.end()
    })

    test('a level that is none is refused', async () => {
      await db.transaction().execute(async (trx) => {
        expect(() => locks.within(trx, { isolationLevel: 'snapshot' as never })).toThrow(/isolationLevel/)
      })
    })
  })
}

test.runIf(!BACKENDS.some(({ family }) => family === 'mysql'))('nothing to test: no MySQL is selected', () => {})
