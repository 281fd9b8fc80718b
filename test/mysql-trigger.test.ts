import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LockFactory } from '../src/index.ts'
import { BACKENDS } from './support/backends.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { openMysql } from './support/open-mysql.ts'
import { mysqlBackend } from './support/sql-backend.ts'

/** A trigger on the table, as of an audit: MySQL and MariaDB then bring nothing back through `last_insert_id()`. */

const SERVERS = BACKENDS.filter(({ family }) => family === 'mysql')

for (const { name, url } of SERVERS) {
  describe(name, () => {
    let open: OpenBackend
    beforeAll(async () => {
      open = await mysqlBackend(name, url).open()
    })
    afterAll(() => open.close())

    const addTrigger = async (event: string) => {
      const { tableName } = open.address ?? {}
      await open.send(`create trigger ${tableName}_${event} before ${event} on ${tableName} for each row set @seen = 1`)
      return () => open.send(`drop trigger ${tableName}_${event}`)
    }

    test.each(['insert', 'update'])('on %s: an error that says so, and no lock whose token is 0', async (event) => {
      if (event === 'update')
        await open
          .factory()
          .createLock('update')
          .run(() => 1)
      const drop = await addTrigger(event)
      const lock = open.factory().createLock(event, '30s')
      const says = { code: 'E_UNSUPPORTED', message: expect.stringMatching(/trigger.*portable: true/) }
      await expect(lock.acquire()).rejects.toMatchObject(says)
      expect(lock.fencingToken).toBeNull()
      await drop()
      expect(await open.factory().createLock(event).acquireImmediately()).toBe(true)
    })

    test('an extension does not say that the lease is lost', async () => {
      const lock = open.factory().createLock('extended')
      await lock.acquire()
      const drop = await addTrigger('update')
      await expect(lock.extend()).rejects.toMatchObject({ code: 'E_UNSUPPORTED' })
      await drop()
      await lock.extend()
    })

    test('portable words do without', async () => {
      const drop = [await addTrigger('insert'), await addTrigger('update')]
      const { tableName = '' } = open.address ?? {}
      const opened = openMysql(`${url}?portable=true`)
      const locks = new LockFactory(opened.store(tableName))
      const lock = locks.createLock('portable')
      expect(await lock.acquire()).toBe(true)
      expect(lock.fencingToken).toBeGreaterThan(1_700_000_000_000_000)
      await lock.extend()
      await lock.release()
      expect(await lock.acquire()).toBe(true)
      await locks.close()
      await opened.close()
      for (const one of drop) await one()
    })
  })
}

test.runIf(SERVERS.length === 0)('nothing to test: no server of this kind is selected', () => {})
