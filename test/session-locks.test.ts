import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { LockFactory, type LockFactoryOptions, type SessionLock } from '../src/index.ts'
import { rejection } from './suite/rejection.ts'
import { BACKENDS } from './support/backends.ts'
import { resettingProxy } from './support/resetting-proxy.ts'
import { startChild } from './support/running-child.ts'
import {
  changedSessions,
  endSession,
  hasSession,
  holderOf,
  openSessions,
  SESSION_DRIVERS,
  type SessionApp,
} from './support/session-stores.ts'
import { uniqueTableName } from './support/table-name.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

/** Something to put away after the test, the last one first. */
const leftovers: (() => unknown)[] = []
afterEach(async () => {
  for (const put of leftovers.splice(0).reverse()) await put()
})

const session = { strategy: 'session' } as const

for (const { name, family, url } of BACKENDS) {
  const open = (options: { tableName: string; schema?: string }, via = url): SessionApp => {
    const app = openSessions(family, via, options)
    leftovers.push(() => app.end())
    return app
  }
  const factoryOn = (app: SessionApp, options?: LockFactoryOptions): LockFactory => {
    const locks = new LockFactory(app.store, options)
    leftovers.push(() => locks.close())
    return locks
  }
  /** As many as processes would have; nobody has made a table. */
  const factories = (count: number, tableName = uniqueTableName('session')): LockFactory[] =>
    Array.from({ length: count }, () => factoryOn(open({ tableName })))
  const one = (key: string, tableName?: string): SessionLock[] =>
    factories(2, tableName).map((locks) => locks.createLock(key, session))

  describe(name, () => {
    describe('exclusion', () => {
      test.each(Object.entries(SESSION_DRIVERS[family]))('%s: one process at a time', async (_driver, openWith) => {
        const tableName = uniqueTableName('session')
        const [a, b] = [1, 2].map(() => {
          const app = openWith(url, { tableName })
          leftovers.push(() => app.end())
          return factoryOn(app).createLock('k', session)
        }) as [SessionLock, SessionLock]
        expect(await a.isLocked()).toBe(false)
        expect(await a.acquireImmediately()).toBe(true)
        expect([await a.isLocked(), await b.isLocked()]).toEqual([true, true])
        expect(await b.acquireImmediately()).toBe(false)
        expect(await b.acquire({ retry: { timeout: 500 } })).toBe(false)
        expect(await b.runImmediately(() => 1)).toEqual([false, null])
        await a.release()
        expect(await b.acquireImmediately()).toBe(true)
        await rejection(a.release(), 'E_LOCK_NOT_OWNED')
        await b.release()
        expect(await a.isLocked()).toBe(false)
      })

      test('the same process, the same object, and two factories on one store', async () => {
        const app = open({ tableName: uniqueTableName('session') })
        const [a, b] = [factoryOn(app), factoryOn(app)]
        const lock = a.createLock('k', session)
        expect(await lock.acquireImmediately()).toBe(true)
        expect(await lock.acquireImmediately()).toBe(false)
        expect(await a.createLock('k', session).acquireImmediately()).toBe(false)
        expect(await b.createLock('k', session).acquireImmediately()).toBe(false)
        const waiting = b.createLock('k', session).hold({ retry: { delay: '60s' } })
        await sleep(50)
        await lock.release()
        await (await waiting).release()
      })

      test('tries at the same moment: one is granted', async () => {
        const [a, b] = factories(2) as [LockFactory, LockFactory]
        for (let round = 0; round < 20; round++) {
          const locks = [a, b, a, b, a].map((factory) => factory.createLock(`k${round}`, session))
          const granted = await Promise.all(locks.map((lock) => lock.acquireImmediately()))
          expect(granted.filter(Boolean)).toHaveLength(1)
          await locks[granted.indexOf(true)]?.release()
        }
      })

      test('real processes take turns', { timeout: 60_000 }, async () => {
        const tableName = uniqueTableName('session')
        const children = [1, 2, 3].map(() => startChild('session-worker.ts', [family, url, tableName, '1:turns']))
        for (const child of children) expect(await child.ended, child.output()).toBe(0)
        const events = children
          .flatMap((child) => [...child.output().matchAll(/^(in|out) (\d+)/gm)])
          .map(([, what, at]) => ({ what, at: Number(at) }))
        const ins = events.filter(({ what }) => what === 'in').map(({ at }) => at)
        const outs = events.filter(({ what }) => what === 'out').map(({ at }) => at)
        expect(ins).toHaveLength(30)
        // In order of time, every turn ends before the next one begins.
        ins.sort((x, y) => x - y)
        outs.sort((x, y) => x - y)
        for (const [index, out] of outs.entries()) expect(ins[index + 1] ?? Infinity).toBeGreaterThanOrEqual(out)
      })

      test('leases and session locks on one key do not meet, nor do tables', async () => {
        const [a] = one('k') as [SessionLock]
        const [b] = one('k') as [SessionLock]
        expect(await a.acquireImmediately()).toBe(true)
        expect(await b.acquireImmediately()).toBe(true)
      })

      test('nor do schemas, nor (of MySQL and MariaDB) databases', async () => {
        const tableName = uniqueTableName('session')
        const a = factoryOn(open({ tableName, schema: 'one' })).createLock('k', session)
        const b = factoryOn(open({ tableName, schema: 'two' })).createLock('k', session)
        const c = factoryOn(open({ tableName })).createLock('k', session)
        expect([await a.acquireImmediately(), await b.acquireImmediately(), await c.acquireImmediately()]).toEqual([
          true,
          true,
          true,
        ])
      })

      test('keys are bytes', async () => {
        const [a, b] = factories(2) as [LockFactory, LockFactory]
        const keys = ['Order:1', 'order:1', 'order:1 ', 'ordér:1', '🔒'.repeat(256), 'x'.repeat(1024), "'; select 1 --"]
        const locks = keys.map((key) => a.createLock(key, session))
        for (const lock of locks) expect(await lock.acquireImmediately(), lock.key).toBe(true)
        for (const key of keys) expect(await b.createLock(key, session).acquireImmediately(), key).toBe(false)
      })

      test('two keys with one name at the server keep each other waiting', async () => {
        const app = open({ tableName: uniqueTableName('session') })
        const name = `${Math.trunc(Math.random() * 2 ** 40)}`
        const store = changedSessions(app, family, 'any', { name })
        const locks = new LockFactory(store)
        leftovers.push(() => locks.close())
        const [a, b] = ['a', 'b'].map((key) => locks.createLock(key, session)) as [SessionLock, SessionLock]
        expect(await a.acquireImmediately()).toBe(true)
        expect(await b.acquireImmediately()).toBe(false)
        const waiting = b.acquire({ retry: { delay: '60s' } })
        await sleep(50)
        await a.release()
        expect(await waiting).toBe(true)
        expect(await a.acquireImmediately()).toBe(false)
        await b.release()
      })
    })

    describe('waiting', () => {
      test('first come, first served within a process', async () => {
        const [locks, other] = factories(2) as [LockFactory, LockFactory]
        const first = await other.createLock('k', session).hold()
        const order: number[] = []
        const waiting = Array.from({ length: 10 }, async (_, index) => {
          await locks.createLock('k', session).run(() => void order.push(index))
        })
        await sleep(50)
        await first.release()
        await Promise.all(waiting)
        expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
      })

      test.runIf(family === 'postgres')('a release by another process wakes', async () => {
        const [a, b] = one('k') as [SessionLock, SessionLock]
        await a.acquire()
        const waiting = b.acquire({ retry: { delay: '60s' } })
        await sleep(300)
        const releasedAtMs = performance.now()
        await a.release()
        expect(await waiting).toBe(true)
        expect(performance.now() - releasedAtMs).toBeLessThan(2_000)
        await b.release()
      })

      test('a process with many waiters does not keep the lock to itself', async () => {
        const [busy, other] = factories(2) as [LockFactory, LockFactory]
        let isOver = false
        const line = Array.from({ length: 5 }, async () => {
          while (!isOver) await busy.createLock('k', session).run(() => sleep(2))
        })
        await sleep(100)
        const [granted] = await other.createLock('k', session).run(() => {}, { retry: { timeout: '20s' } })
        isOver = true
        await Promise.all(line)
        expect(granted).toBe(true)
      })

      test('one that gives up leaves nothing behind', async () => {
        const [a, b] = factories(2) as [LockFactory, LockFactory]
        const holder = await a.createLock('k', session).hold()
        const abort = new AbortController()
        const waiting = b.createLock('k', session).acquire({ signal: abort.signal })
        await sleep(50)
        abort.abort(new Error('enough'))
        await expect(waiting).rejects.toThrow('enough')
        await holder.release()
        // At any moment of the try.
        for (let round = 0; round < 30; round++) {
          const early = new AbortController()
          const lock = b.createLock('k', session)
          const trying = lock.acquire({ signal: early.signal }).then(
            () => lock.release(),
            () => {},
          )
          for (let turns = round % 10; turns > 0; turns--) await new Promise(setImmediate)
          early.abort(new Error('gone'))
          await trying
        }
        await expect.poll(() => a.createLock('k', session).acquireImmediately()).toBe(true)
      })
    })

    describe('run and hold', () => {
      test('what the callback receives, and what it returns', async () => {
        const [locks] = factories(1) as [LockFactory]
        const lock = locks.createLock('k', session)
        const outcome = await lock.run(async ({ signal, fencingToken, lock: own }) => {
          expect([signal.aborted, fencingToken, own.key, own.isExpired()]).toEqual([false, null, 'k', false])
          expect([lock.getRemainingTime(), lock.fencingToken, await own.isLocked()]).toEqual([null, null, true])
          return 7
        })
        expect(outcome).toEqual([true, 7])
        expect(await lock.isLocked()).toBe(false)
        await expect(lock.run(() => Promise.reject(new Error('work')))).rejects.toThrow('work')
        expect(await lock.isLocked()).toBe(false)
      })

      test('a hold is released at the end of its scope', async () => {
        const [locks] = factories(1) as [LockFactory]
        const lock = locks.createLock('k', session)
        {
          await using held = await lock.hold()
          expect([held.key, held.fencingToken, held.isExpired(), held.signal.aborted]).toEqual([
            'k',
            null,
            false,
            false,
          ])
          await rejection(lock.hold({ retry: { timeout: 0 } }), 'E_LOCK_TIMEOUT')
        }
        expect(await lock.isLocked()).toBe(false)
        const held = await lock.hold()
        await held.release()
        await rejection(held.release(), 'E_LOCK_NOT_OWNED')
      })

      test('closing releases all, ends the connection, and grants nothing more', async () => {
        const tableName = uniqueTableName('session')
        const app = open({ tableName })
        const locks = factoryOn(app)
        const held = await locks.createLock('a', session).hold()
        expect(await locks.createLock('b', session).acquire()).toBe(true)
        const waiting = locks.createLock('a', session).acquire()
        const id = (await holderOf(family, url, tableName, 'a')) as number
        expect(await hasSession(family, url, id)).toBe(true)
        const closing = locks.close()
        await rejection(waiting, 'E_CLOSED')
        expect(held.signal.reason).toMatchObject({ code: 'E_CLOSED' })
        await closing
        await expect.poll(() => hasSession(family, url, id)).toBe(false)
        await rejection(locks.createLock('c', session).acquire(), 'E_CLOSED')
        const [other] = factories(1, tableName) as [LockFactory]
        expect(await other.createLock('a', session).acquireImmediately()).toBe(true)
        expect(await other.createLock('b', session).acquireImmediately()).toBe(true)
      })
    })

    test('1,000 locks on one connection, though every connection of the pool is busy', async () => {
      const tableName = uniqueTableName('session')
      const app = open({ tableName })
      const giveBack = await app.takeAll()
      const locks = factoryOn(app)
      const all = Array.from({ length: 1_000 }, (_, index) => locks.createLock(`key:${index}`, session))
      expect((await Promise.all(all.map((lock) => lock.acquireImmediately()))).every(Boolean)).toBe(true)
      const [other] = factories(1, tableName) as [LockFactory]
      const refused = await Promise.all(all.map(({ key }) => other.createLock(key, session).acquireImmediately()))
      expect(refused.some(Boolean)).toBe(false)
      await Promise.all(all.map((lock) => lock.release()))
      expect(await Promise.all(all.slice(0, 10).map((lock) => lock.isLocked()))).not.toContain(true)
      giveBack()
    })

    describe('when the session ends', () => {
      test('killed at the server: every signal aborts at once, others get the locks, and it begins anew', async () => {
        const tableName = uniqueTableName('session')
        const app = open({ tableName })
        const locks = factoryOn(app)
        const [other] = factories(1, tableName) as [LockFactory]
        const holds = await Promise.all(['a', 'b', 'c'].map((key) => locks.createLock(key, session).hold()))
        const lock = locks.createLock('d', session)
        await lock.acquire()
        const aborted = Promise.all(
          holds.map(({ signal }) => new Promise((abort) => signal.addEventListener('abort', abort))),
        )
        const running = rejection(
          locks.createLock('e', session).run(async ({ signal }) => {
            await new Promise((abort) => signal.addEventListener('abort', abort))
            return 'done'
          }),
          'E_LOCK_LOST',
        )
        await expect.poll(() => locks.createLock('e', session).isLocked()).toBe(true)

        const killedAtMs = performance.now()
        await endSession(family, url, (await holderOf(family, url, tableName, 'a')) as number)
        await aborted
        expect(performance.now() - killedAtMs).toBeLessThan(1_000)
        expect(holds[0]?.signal.reason).toMatchObject({ code: 'E_LOCK_LOST', details: { key: 'a' } })
        expect([holds[0]?.isExpired(), lock.isExpired(), lock.getRemainingTime()]).toEqual([true, true, null])
        await rejection(lock.release(), 'E_LOCK_NOT_OWNED')
        await rejection(holds[0]?.release() as Promise<void>, 'E_LOCK_NOT_OWNED')
        expect((await running).result).toBe('done')
        await rejection(holds[1]?.[Symbol.asyncDispose]() as Promise<void>, 'E_LOCK_LOST')

        expect(await other.createLock('a', session).acquire({ retry: { timeout: '5s' } })).toBe(true)
        // The new session holds nothing of the old one.
        expect(await locks.createLock('a', session).acquireImmediately()).toBe(false)
        expect(await lock.acquire({ retry: { timeout: '5s' } })).toBe(true)
        expect(lock.isExpired()).toBe(false)
      })

      test('the socket is reset', async () => {
        const proxy = await resettingProxy(url)
        leftovers.push(() => proxy.close())
        const tableName = uniqueTableName('session')
        const locks = factoryOn(open({ tableName }, proxy.url))
        const held = await locks.createLock('a', session).hold()
        proxy.reset()
        await expect.poll(() => held.signal.aborted).toBe(true)
        await rejection(held.release(), 'E_LOCK_NOT_OWNED')
        const [other] = factories(1, tableName) as [LockFactory]
        expect(await other.createLock('a', session).acquire({ retry: { timeout: '5s' } })).toBe(true)
      })

      test('the network falls silent: noticed within the heartbeat and its bound', { timeout: 30_000 }, async () => {
        const proxy = await TcpProxy.to(url)
        await proxy.up()
        leftovers.push(() => proxy.down())
        const locks = factoryOn(open({ tableName: uniqueTableName('session') }, proxy.through(url)))
        const held = await locks.createLock('a', session).hold()
        const mutedAtMs = performance.now()
        proxy.mute()
        await expect.poll(() => held.signal.aborted, { timeout: 20_000, interval: 50 }).toBe(true)
        expect(performance.now() - mutedAtMs).toBeLessThan(12_000)
        expect(held.isExpired()).toBe(true)
      })

      test('a statement that is not answered loses everything, and is repeated on another one', {
        timeout: 30_000,
      }, async () => {
        const proxy = await TcpProxy.to(url)
        await proxy.up()
        leftovers.push(() => proxy.down())
        const locks = factoryOn(open({ tableName: uniqueTableName('session') }, proxy.through(url)))
        const held = await locks.createLock('a', session).hold()
        proxy.loseNextReply()
        const lock = locks.createLock('b', session)
        // The old session had it, too, until the server noticed.
        expect(await lock.acquire({ retry: { timeout: '10s' } })).toBe(true)
        expect(held.signal.aborted).toBe(true)
        await lock.release()
      })

      test('a release that is not answered is no release that anybody can vouch for', { timeout: 30_000 }, async () => {
        const proxy = await TcpProxy.to(url)
        await proxy.up()
        leftovers.push(() => proxy.down())
        const tableName = uniqueTableName('session')
        const locks = factoryOn(open({ tableName }, proxy.through(url)))
        const lock = locks.createLock('a', session)
        await lock.acquire()
        proxy.loseNextReply()
        await rejection(lock.release(), 'E_LOCK_NOT_OWNED')
        const [other] = factories(1, tableName) as [LockFactory]
        expect(await other.createLock('a', session).acquire({ retry: { timeout: '5s' } })).toBe(true)
      })

      test('the server is away: an error, never a refusal', async () => {
        const proxy = await TcpProxy.to(url)
        const locks = factoryOn(open({ tableName: uniqueTableName('session') }, proxy.through(url)))
        await rejection(locks.createLock('a', session).acquireImmediately(), 'E_LOCK_STORAGE_ERROR')
        await proxy.up()
        leftovers.push(() => proxy.down())
        expect(await locks.createLock('a', session).acquireImmediately()).toBe(true)
      })

      test('kill -9: all that the process held is free at once', { timeout: 60_000 }, async () => {
        const tableName = uniqueTableName('session')
        const child = startChild('session-worker.ts', [family, url, tableName, '100'])
        await child.line(/held/)
        const [locks] = factories(1, tableName) as [LockFactory]
        const all = Array.from({ length: 100 }, (_, index) => locks.createLock(`key:${index}`, session))
        expect(await all[0]?.acquireImmediately()).toBe(false)
        const killedAtMs = performance.now()
        child.process.kill('SIGKILL')
        await child.ended
        const granted = await Promise.all(all.map((lock) => lock.acquire({ retry: { timeout: '10s', delay: 20 } })))
        const tookMs = performance.now() - killedAtMs
        console.info(`${name}: 100 locks of a killed process were granted after ${tookMs.toFixed(0)} ms`)
        expect(granted.every(Boolean)).toBe(true)
        expect(tookMs).toBeLessThan(5_000)
      })
    })

    test('what a session lock cannot do, it says', async () => {
      const [locks] = factories(1) as [LockFactory]
      const lock = locks.createLock('k', session)
      await lock.acquire()
      expect(() => lock.serialize()).toThrow(expect.objectContaining({ code: 'E_NOT_TRANSFERABLE' }))
      await rejection(lock.extend(), 'E_UNSUPPORTED')
      await rejection(lock.forceRelease(), 'E_UNSUPPORTED')
      await rejection(lock.guard({}), 'E_UNSUPPORTED')
      await rejection(
        lock.transaction({}, () => {}),
        'E_UNSUPPORTED',
      )
      expect(await lock.isLocked()).toBe(true)
      await lock.release()
    })
  })
}
