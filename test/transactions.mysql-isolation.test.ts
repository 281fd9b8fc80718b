import { randomBytes } from 'node:crypto'
import { Kysely, MysqlDialect } from 'kysely'
import mysql from 'mysql2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kyselyStore } from '../src/drivers/kysely.ts'
import { LockFactory } from '../src/index.ts'
import { rejection } from './suite/rejection.ts'
import { atOnce } from './suite/transactions/at-once.ts'
import { BACKENDS } from './support/backends.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { mysqlBackend } from './support/sql-backend.ts'

/** MySQL and MariaDB tell the isolation level of a transaction only to users with the privilege PROCESS. */

for (const { name, url } of BACKENDS.filter(({ family }) => family === 'mysql')) {
  describe(name, () => {
    const user = `v_${randomBytes(4).toString('hex')}`
    let open: OpenBackend
    let locks: LockFactory
    let db: Kysely<unknown>
    beforeAll(async () => {
      open = await mysqlBackend(name, url).open()
      const ownUrl = new URL(url)
      await open.send(`create user '${user}'@'%' identified by 'secret'`)
      await open.send(`grant select, insert, update, delete on ${ownUrl.pathname.slice(1)}.* to '${user}'@'%'`)
      Object.assign(ownUrl, { username: user, password: 'secret' })
      db = new Kysely({ dialect: new MysqlDialect({ pool: mysql.createPool(ownUrl.href) }) })
      locks = new LockFactory(kyselyStore({ connection: db, tableName: open.address?.tableName }))
    })
    afterAll(async () => {
      await db.destroy()
      await open.send(`drop user '${user}'@'%'`)
      await open.close()
    })

    test('without the privilege the level of the session counts, unless the caller names one', async () => {
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

    test('a level that is none is refused', async () => {
      await db.transaction().execute(async (trx) => {
        expect(() => locks.within(trx, { isolationLevel: 'snapshot' as never })).toThrow(/isolationLevel/)
      })
    })
  })
}

test.runIf(!BACKENDS.some(({ family }) => family === 'mysql'))('nothing to test: no MySQL is selected', () => {})
