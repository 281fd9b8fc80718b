import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type LockFactory, type LockStore, LockFactory as Locks } from '../src/index.ts'
import { rejection } from './suite/rejection.ts'
import { BACKENDS } from './support/backends.ts'
import type { OpenBackend, TableAddress } from './support/contract-backend.ts'
import { openTransaction } from './support/open-transaction.ts'
import { type PresenceSessions, presenceSessions } from './support/presence-sessions.ts'
import { openPresent } from './support/present-stores.ts'
import { mysqlBackend, pgBackend } from './support/sql-backend.ts'

/** `presence: true`, as its holders see it, and those beside them. */

for (const { name, family, url } of BACKENDS) {
  describe(name, () => {
    let open: OpenBackend
    let address: TableAddress
    let sessions: PresenceSessions
    const column = family === 'postgres' ? 'key' : '`key`'

    beforeAll(async () => {
      open = await (family === 'postgres' ? pgBackend(name, url) : mysqlBackend(name, url)).open()
      address = open.address as TableAddress
      sessions = presenceSessions(open)
    })
    afterAll(() => open.close())
    beforeEach(async () => {
      await open.send(`delete from ${address.tableName}`)
    })

    function storeOf(presence = true, size = 10): LockStore {
      const app = openPresent(address, presence, size)
      onTestFinished(() => app.end())
      return app.store
    }

    /** As another process of the app. */
    function locksOf(presence = true): LockFactory {
      const locks = new Locks(storeOf(presence), { retry: { delay: 100 } })
      onTestFinished(() => locks.close())
      return locks
    }

    const attemptOf = async (key: string) =>
      String((await open.send(`select attempt from ${address.tableName} where ${column} = '${key}'`))[0]?.attempt)
    /** The presence of whoever holds the key is gone, and its process does not know: as if it had crashed. */
    const orphan = async (key: string) => {
      await open.send(
        `update ${address.tableName} set attempt = concat(substr(attempt, 1, 25), '0123456789abcdef:x') where ${column} = '${key}'`,
      )
    }
    const killPresenceOf = async (key: string) => sessions.kill((await sessions.sessionOf(key)) as number)

    test('a lost presence: every signal aborts, every lease is lost, and the next one is another presence', async () => {
      const locks = locksOf()
      const holds = await Promise.all(['a', 'b', 'c'].map((key) => locks.createLock(key, '5m').hold()))
      const lock = locks.createLock('d', null)
      await lock.acquire()
      const run = locks.createLock('e', '5m').run(({ signal }) => aborted(signal))
      const lostRun = rejection(run, 'E_LOCK_LOST')
      await expect.poll(() => attemptOf('e')).toMatch(/^present:/)
      const before = (await attemptOf('a')).slice(0, 42)
      const signals = holds.map(({ signal }) => signal)
      expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false])
      await killPresenceOf('a')
      await expect.poll(() => signals.map(({ aborted }) => aborted)).toEqual([true, true, true])
      expect(signals[0]?.reason).toMatchObject({
        code: 'E_LOCK_LOST',
        message: 'the lease on "a" was lost with the connection of the presence that stands for this process',
      })
      expect(holds.map((hold) => [hold.isExpired(), hold.getRemainingTime()])).toEqual(Array(3).fill([false, 0]))
      expect([lock.isExpired(), lock.getRemainingTime(), lock.fencingToken]).toEqual([true, 0, null])
      await rejection(lock.extend(), 'E_LOCK_LOST')
      await rejection(lock.release(), 'E_LOCK_NOT_OWNED')
      expect((await lostRun).result).toBe('aborted')
      for (const hold of holds) await rejection(hold.extend(), 'E_LOCK_LOST')

      expect(await lock.acquireImmediately()).toBe(true)
      expect((await attemptOf('d')).slice(0, 42)).not.toBe(before)
      expect(holds.every(({ signal }) => signal.aborted)).toBe(true)
      // Also for those who do not look at presences.
      const others = locksOf(false)
      for (const key of ['a', 'b', 'c', 'e']) {
        await expect.poll(() => others.createLock(key).acquireImmediately()).toBe(true)
      }
      expect(await others.createLock('d').acquireImmediately()).toBe(false)
    })

    test('one who waits gets the key when its holder is gone, without the TTL', async () => {
      const [locks, others] = [locksOf(), locksOf(false)]
      await others.createLock('k', '5m').acquire()
      const server = await serverOf()
      const lock = locks.createLock('k', '5m')
      const waiting = lock.acquire({ retry: { delay: '1h' } })
      await new Promise((resolve) => setTimeout(resolve, 300))
      const token = Number((await open.rows()).find(({ key }) => key === 'k')?.token)
      const startMs = performance.now()
      await open.send(
        `update ${address.tableName} set attempt = 'present:${server}:0123456789abcdef:x' where ${column} = 'k'`,
      )
      expect(await waiting).toBe(true)
      expect(performance.now() - startMs).toBeLessThan(2_000)
      expect(lock.fencingToken).toBeGreaterThan(token)
    })

    /** How the server is called in an attempt. */
    async function serverOf(): Promise<string> {
      const locks = locksOf()
      await locks.createLock('server').acquire()
      return (await attemptOf('server')).slice(8, 24)
    }

    test('who is there is not robbed: by tries, by waiters, or while it takes ever more', async () => {
      const [holder, rival] = [locksOf(), locksOf()]
      const lock = holder.createLock('k', '5m')
      await lock.acquire()
      for (let round = 0; round < 20; round++) {
        expect(await rival.createLock('k').acquireImmediately()).toBe(false)
        await holder.createLock(`other ${round}`).run(() => {})
      }
      const waiters = Array.from({ length: 5 }, () => rival.createLock('k').acquire({ retry: { timeout: 600 } }))
      expect(await Promise.all(waiters)).toEqual(Array(5).fill(false))
      await lock.release()
    })

    test('a gone holder: stores with presence take over at once, others when the TTL is over', async () => {
      const [holder, rival, other] = [locksOf(), locksOf(), locksOf(false)]
      const lock = holder.createLock('k', '5m')
      await lock.acquire()
      const { token } = (await open.rows())[0] as { token: number }
      await orphan('k')
      expect(await other.createLock('k').acquireImmediately()).toBe(false)
      const next = rival.createLock('k', '5m')
      expect(await next.acquireImmediately()).toBe(true)
      expect(next.fencingToken).toBeGreaterThan(token)
      expect(await holder.createLock('k').acquireImmediately()).toBe(false)
      await rejection(lock.release(), 'E_LOCK_NOT_OWNED')
      await next.extend()
      await next.release()
      expect(await other.createLock('k').acquireImmediately()).toBe(true)
    })

    test('only one of many takes it over', async () => {
      const all = Array.from({ length: 4 }, () => locksOf())
      await all[0]?.createLock('k', null).acquire()
      for (const locks of all) await locks.createLock('warm').run(() => {})
      await orphan('k')
      const tries = all.flatMap((locks) => Array.from({ length: 5 }, () => locks.createLock('k', null)))
      const taken = await Promise.all(tries.map((lock) => lock.acquireImmediately()))
      expect(taken.filter(Boolean)).toEqual([true])
    })

    test('what names no presence, or one of another server, waits for its TTL', async () => {
      const rival = locksOf()
      const server = await serverOf()
      const attempts = [
        ...['x', 'present', 'present:', `present:${server}`, `:${server}:0123456789abcdef:x`],
        `present:0000000000000000:0123456789abcdef:x`,
      ]
      for (const [n, attempt] of attempts.entries()) {
        await locksOf(false).createLock(`k${n}`, '5m').acquire()
        await open.send(`update ${address.tableName} set attempt = '${attempt}' where ${column} = 'k${n}'`)
        expect(await rival.createLock(`k${n}`).acquireImmediately(), attempt).toBe(false)
      }
    })

    test('keys, owners and labels arrive as they are', async () => {
      const app = openPresent(address)
      onTestFinished(() => app.end())
      const rival = new Locks(app.store, { label: 'wörker 💥 "q"' })
      onTestFinished(() => rival.close())
      const keys = ['schlüssel', '💥', `it's "quoted" \\`, 'K', 'k', 'k ', '%', '{"n":1}']
      const holder = locksOf()
      await Promise.all(keys.map((key) => holder.createLock(key, '5m').acquire()))
      await open.send(
        `update ${address.tableName} set attempt = concat(substr(attempt, 1, 25), '0123456789abcdef:x') where owner is not null`,
      )
      const locks = keys.map((key) => rival.createLock(key, null))
      expect(await Promise.all(locks.map((lock) => lock.acquireImmediately()))).toEqual(keys.map(() => true))
      for (const row of (await open.rows()).filter(({ owner }) => owner !== null)) {
        expect(row).toMatchObject({ heldBy: 'wörker 💥 "q"', expiresAt: 9223372036854775807n })
        expect(locks.map((lock) => lock.getOwner())).toContain(row.owner)
      }
      for (const lock of locks) await lock.release()
    })

    test('a row that a transaction guards is taken when that has ended, and nobody waits for it', async () => {
      const [holder, rival] = [locksOf(), locksOf()]
      const lock = holder.createLock('k', '5m')
      await lock.acquire()
      await orphan('k')
      const transaction = await openTransaction(address)
      const share = family === 'postgres' ? 'for key share' : 'for update'
      await transaction.send(`select * from ${address.tableName} where ${column} = 'k' ${share}`)
      const startMs = performance.now()
      expect(await rival.createLock('k').acquireImmediately()).toBe(false)
      expect(performance.now() - startMs).toBeLessThan(2_000)
      const waiting = rival.createLock('k').acquire()
      await transaction.end('commit')
      expect(await waiting).toBe(true)
    })

    test('a grant whose presence is lost before its answer is given back, and asked for anew', async () => {
      const locks = locksOf()
      await locks.createLock('first', '5m').acquire()
      const before = (await attemptOf('first')).slice(0, 42)
      const session = (await sessions.sessionOf('first')) as number
      await locksOf(false)
        .createLock('k')
        .run(() => {})
      // Postgres: nobody reads or writes the table, so that the try waits. MySQL: it never does, and is refused until the row is unlocked.
      const transaction = await openTransaction(address)
      if (family === 'postgres') await transaction.send(`lock table ${address.tableName} in access exclusive mode`)
      else await transaction.send(`select * from ${address.tableName} where ${column} = 'k' for update`)
      const lock = locks.createLock('k', '5m')
      const asking = lock.acquire()
      await new Promise((resolve) => setTimeout(resolve, 100))
      await sessions.kill(session)
      await expect.poll(() => sessions.isThere(session)).toBe(false)
      await transaction.end('rollback')
      expect(await asking).toBe(true)
      const after = await attemptOf('k')
      expect(after).toMatch(/^present:/)
      expect(after.slice(0, 42)).not.toBe(before)
      expect(lock.getRemainingTime()).toBeGreaterThan(0)
      expect(await locksOf().createLock('k').acquireImmediately()).toBe(false)
    })

    test('is handed on inside a process under the presence of that process', async () => {
      const locks = locksOf()
      const first = locks.createLock('k', '5m')
      await first.acquire()
      const second = locks.createLock('k', '5m')
      const waiting = second.acquire()
      await new Promise((resolve) => setTimeout(resolve, 50))
      await first.release()
      expect(await waiting).toBe(true)
      expect(await attemptOf('k')).toMatch(/^present:/)
      await killPresenceOf('k')
      await expect.poll(() => second.isExpired()).toBe(true)
    })

    test('cannot be handed to another process', async () => {
      const locks = locksOf()
      const lock = locks.createLock('k', '5m')
      expect(() => lock.serialize()).toThrow(/"k" cannot be handed to another process/)
      await using hold = await lock.hold()
      for (const one of [lock, hold]) {
        await rejection((async () => one.serialize())(), 'E_NOT_TRANSFERABLE')
      }
      // It is held on.
      await hold.extend()
      const [ran] = await locks
        .createLock('other')
        .run(({ lock }) => rejection((async () => lock.serialize())(), 'E_NOT_TRANSFERABLE'))
      expect(ran).toBe(true)
    })

    test('what comes from elsewhere can be, and names no presence', async () => {
      const [without, locks] = [locksOf(false), locksOf()]
      const lock = without.createLock('k', '5m')
      await lock.acquire()
      const restored = locks.restoreLock(lock.serialize())
      await restored.extend()
      expect(restored.serialize()).toMatchObject({ key: 'k', token: lock.fencingToken })
      expect(await attemptOf('k')).not.toMatch(/^present/)
      await restored.release()
    })

    test('a run keeps its period when its process is gone', async () => {
      const [locks, rival] = [locksOf(), locksOf()]
      expect(await locks.runOncePer('daily', '1d', () => 1)).toEqual([true, 1])
      await locks.close()
      expect(await rival.runOncePer('daily', '1d', () => 2)).toEqual([false, null])
      expect(await rival.createLock('daily').acquireImmediately()).toBe(false)
    })

    test('what an earlier presence left behind is recognised and cleaned up', async () => {
      const store = storeOf()
      const request = { key: 'k', owner: 'o', attempt: 'a', ttlUs: 300_000_000, heldBy: 'h' }
      const granted = await store.tryAcquire(request)
      expect(granted).toMatchObject({ granted: true })
      // Its own attempt is its own, as without presence.
      expect(await store.tryAcquire(request)).toMatchObject({ granted: true, token: granted.granted && granted.token })
      await killPresenceOf('k')
      await expect.poll(() => granted.granted && granted.presence?.isGone).toBe(true)
      expect(await store.abandon('k', 'other')).toBe(false)
      expect(await store.abandon('k', 'a')).toBe(true)
      expect(await store.tryAcquire({ ...request, attempt: 'b' })).toMatchObject({ granted: true })
      await store.close()
    })

    test('closing ends the presence, unless another factory holds something', async () => {
      const store = storeOf()
      const [one, two] = [new Locks(store), new Locks(store)]
      const lock = two.createLock('k', '5m')
      await lock.acquire()
      const session = (await sessions.sessionOf('k')) as number
      await one.createLock('other').run(() => {})
      // One that holds nothing is no reason, though it was never closed.
      await new Locks(store).createLock('another').run(() => {})
      await one.close()
      expect(await sessions.isThere(session)).toBe(true)
      expect(lock.isExpired()).toBe(false)
      await two.close()
      await expect.poll(() => sessions.isThere(session)).toBe(false)
      expect((await open.rows()).map(({ owner }) => owner)).toEqual([null, null, null])
      const three = new Locks(store)
      expect(await three.createLock('k').acquireImmediately()).toBe(true)
      await three.close()
    })

    test('a pool that is busy keeps nobody from taking over', async () => {
      const app = openPresent(address, true, 1)
      onTestFinished(() => app.end())
      const locks = new Locks(app.store)
      onTestFinished(() => locks.close())
      await locks.createLock('warm').run(() => {})
      await locksOf().createLock('k', '5m').acquire()
      const waiting = locks.createLock('k', '5m').acquire({ retry: { delay: '1h' } })
      await new Promise((resolve) => setTimeout(resolve, 300))
      await orphan('k')
      expect(await waiting).toBe(true)
    })
  })
}

function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve('aborted')))
}

test.runIf(BACKENDS.length === 0)('nothing to test: no server is selected', () => {})
