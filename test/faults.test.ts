import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { kyselyStore } from '../src/drivers/kysely.ts'
import { LockFactory } from '../src/index.ts'
import { rejection } from './suite/rejection.ts'
import { BACKENDS } from './support/backends.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { openMysql } from './support/open-mysql.ts'
import { openPostgres } from './support/open-postgres.ts'
import type { Opened } from './support/opened.ts'
import { mysqlBackend, pgBackend } from './support/sql-backend.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

const TTL = '30s'

for (const { name, family, url } of BACKENDS) {
  describe(name, () => {
    let direct: OpenBackend
    let proxy: TcpProxy
    let opened: Opened
    let locks: LockFactory
    let kyselyLocks: LockFactory

    beforeEach(async () => {
      direct = await (family === 'postgres' ? pgBackend(name, url) : mysqlBackend(name, url)).open()
      proxy = await TcpProxy.to(url)
      // One connection, so that the test knows which one it breaks.
      opened = family === 'postgres' ? openPostgres(proxy.through(url), 1) : openMysql(proxy.through(url), 1)
      const tableName = direct.address?.tableName as string
      locks = new LockFactory(opened.store(tableName))
      kyselyLocks = new LockFactory(kyselyStore({ connection: opened.db, tableName }))
    })
    afterEach(async () => {
      await proxy.down()
      await proxy.up()
      await opened.close()
      await proxy.down()
      await direct.close()
    })

    /** A lock whose statements the connection has already prepared, so that one request is one statement. */
    async function warmLock(key: string) {
      const lock = locks.createLock(key, TTL)
      await lock.acquire()
      await lock.extend()
      await lock.release()
      return lock
    }

    test('G6: an acquire whose reply got lost finds its own hold at once', async () => {
      await proxy.up()
      const lock = await warmLock('lost-acquire')
      proxy.loseNextReply()
      const startMs = performance.now()
      expect(await lock.acquireImmediately()).toBe(true)
      expect(performance.now() - startMs).toBeLessThan(5_000)
      const row = (await direct.rows()).find(({ key }) => key === 'lost-acquire')
      expect(row?.token).toBe(lock.fencingToken)
      await lock.release()
    })

    test('G6: the lost reply of a twin does not make it the holder of what its original holds', async () => {
      await proxy.up()
      const original = await warmLock('lost-twin')
      const twin = locks.restoreLock(original.serialize())
      expect(await original.acquireImmediately()).toBe(true)
      proxy.loseNextReply()
      expect(await twin.acquireImmediately()).toBe(false)
      await original.release()
    })

    test('G6: an extend and a release whose replies got lost have happened', async () => {
      await proxy.up()
      const lock = await warmLock('lost-extend')
      await lock.acquire()
      proxy.loseNextReply()
      await lock.extend('5m')
      expect(lock.getRemainingTime()).toBeGreaterThan(290_000)
      proxy.loseNextReply()
      await lock.release()
      expect(await direct.factory().createLock('lost-extend').acquireImmediately()).toBe(true)
    })

    test('G6: a release whose reply got lost has happened, though somebody else holds the key by now', async () => {
      await proxy.up()
      const lock = await warmLock('lost-release')
      await lock.acquire()
      const next = direct.factory().createLock('lost-release', TTL)
      const taken = next.acquire({ retry: { delay: 1 } })
      await sleep(20)
      proxy.loseNextReply()
      await lock.release()
      expect(await taken).toBe(true)
    })

    test('G6: what a try took after its caller had gone is given back', async () => {
      await proxy.up()
      const lock = await warmLock('abandoned')
      const endless = locks.createLock('abandoned', null)
      const controller = new AbortController()
      proxy.mute()
      const taken = endless.acquire({ signal: controller.signal })
      await expect.poll(() => direct.factory().createLock('abandoned').isLocked(), { timeout: 5_000 }).toBe(true)
      controller.abort(new Error('gone'))
      await expect(taken).rejects.toThrow('gone')
      proxy.unmute()
      await expect.poll(() => direct.factory().createLock('abandoned').isLocked(), { timeout: 5_000 }).toBe(false)
      expect(await lock.acquireImmediately()).toBe(true)
    })

    /** A lock whose try has taken the key for ever, while the database went down before it could say so. It is down. */
    async function leaveBehind(key: string) {
      await proxy.up()
      await warmLock(key)
      const endless = locks.createLock(key, null)
      proxy.mute()
      const taken = endless.acquireImmediately()
      taken.catch(() => {})
      await expect.poll(() => direct.factory().createLock(key).isLocked()).toBe(true)
      await proxy.down()
      await rejection(taken, 'E_LOCK_STORAGE_ERROR')
      return endless
    }

    test('G6: what a try took before the database went down is given back when it is up again', async () => {
      await leaveBehind('orphaned')
      await proxy.up()
      await expect.poll(() => direct.factory().createLock('orphaned').isLocked(), { timeout: 10_000 }).toBe(false)
    })

    test('G6: closing waits for a database that is away, and gives back then what a try took', async () => {
      await leaveBehind('closed')
      const closed = locks.close()
      await sleep(1_000)
      await proxy.up()
      await closed
      expect(await direct.factory().createLock('closed').isLocked()).toBe(false)
    })

    test('G6: the next acquire settles what the one before has left behind, and does not wait for it', async () => {
      const endless = await leaveBehind('settled')
      await proxy.up()
      expect(await endless.acquireImmediately()).toBe(true)
      await sleep(500)
      expect(await endless.isLocked()).toBe(true)
    })

    test('G7: a database that is down is an error, is not remembered, and comes back by itself', async () => {
      for (const factory of [locks, kyselyLocks]) {
        const lock = factory.createLock('down')
        for (const call of [
          () => lock.acquireImmediately(),
          () => lock.acquire(),
          () => lock.run(() => 1),
          () => lock.hold(),
          () => lock.isLocked(),
          () => lock.forceRelease(),
        ]) {
          const error = await rejection(call(), 'E_LOCK_STORAGE_ERROR')
          expect(error.retryable).toBe(true)
          expect(error.cause).toBeInstanceOf(Error)
          expect(error.message).not.toMatch(/verrou:verrou|password/)
        }
        await proxy.up()
        expect(await lock.acquireImmediately()).toBe(true)
        await proxy.down()
        await rejection(lock.extend(), 'E_LOCK_STORAGE_ERROR')
        await rejection(lock.isLocked(), 'E_LOCK_STORAGE_ERROR')
        await proxy.up()
        await lock.extend()
        await lock.release()
        await proxy.down()
      }
    })

    test('G7: a database that does not answer within the timeout is an error, not a refusal', async () => {
      await proxy.up()
      const lock = await warmLock('silent')
      proxy.mute()
      const startMs = performance.now()
      await rejection(lock.acquire({ retry: { timeout: 300 } }), 'E_LOCK_STORAGE_ERROR')
      expect(performance.now() - startMs).toBeLessThan(1_500)
      proxy.unmute()
    })

    test('G5: a hold whose extension gets no answer is lost at its deadline', async () => {
      await proxy.up()
      await warmLock('unanswered')
      const lock = locks.createLock('unanswered', 1_000)
      await lock.acquire()
      proxy.mute()
      const startMs = performance.now()
      await rejection(lock.extend(), 'E_LOCK_LOST')
      expect(performance.now() - startMs).toBeLessThan(1_500)
      expect(lock.isExpired()).toBe(true)
      proxy.unmute()
    })

    test("a release that is not confirmed does not hold back the work's result, and is repeated", async () => {
      await proxy.up()
      await warmLock('unconfirmed')
      const lock = locks.createLock('unconfirmed', '3s')
      const startMs = performance.now()
      const outcome = await lock.run(async () => {
        await proxy.down()
        return 'result'
      })
      expect(outcome).toEqual([true, 'result'])
      expect(performance.now() - startMs).toBeLessThan(4_500)
      await proxy.up()
      const next = direct.factory().createLock('unconfirmed')
      await expect.poll(() => next.isLocked(), { timeout: 5_000 }).toBe(false)
    })

    test('a session that the server ends between two calls is replaced', async () => {
      await proxy.up()
      const lock = await warmLock('killed')
      await lock.acquire()
      await proxy.down()
      await proxy.up()
      await lock.extend()
      await lock.release()
    })
  })
}

test.runIf(BACKENDS.length === 0)('nothing to test: no server is selected', () => {})
