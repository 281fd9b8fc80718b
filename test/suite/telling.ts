import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import type { LockFactoryOptions } from '../../src/index.ts'
import { RecordedEvents } from '../support/record-events.ts'
import { rejection } from './rejection.ts'
import type { SuiteContext } from './suite-context.ts'

/** What a factory tells its listeners. */
export function telling(context: SuiteContext): void {
  const observed = (options?: LockFactoryOptions) => {
    const locks = context.open.factory({ label: 'me', ...options })
    return { locks, told: new RecordedEvents(locks), key: context.key() }
  }

  test('a lock is acquired, extended and released', async () => {
    const { locks, told, key } = observed()
    const lock = locks.createLock(key, '30s')
    await lock.acquire()
    const token = lock.fencingToken
    await sleep(20)
    await lock.extend('60s')
    await lock.release()
    expect(told.namesOf(key)).toEqual(['acquired', 'extended', 'released'])
    const about = { key, token, kind: 'lease', isUncommitted: false }
    const call = { waitMs: expect.any(Number), tries: 1, hasWaited: false }
    expect(told.of('acquired')).toEqual([{ ...about, ...call, ttlMs: 30_000, heldBy: 'me' }])
    expect(told.of('extended')).toEqual([{ ...about, ttlMs: 60_000, how: 'by-hand' }])
    expect(told.of('released')).toEqual([{ ...about, heldMs: expect.any(Number), isConfirmed: true }])
    expect(told.of('released')[0]?.heldMs).toBeGreaterThanOrEqual(20)
    expect(Object.isFrozen(told.of('released')[0])).toBe(true)
  })

  test('no owner id and no serialized lock is in any of it', async () => {
    const { locks, told, key } = observed()
    const lock = locks.createLock(key, '30s')
    await lock.run(() => lock.acquireImmediately())
    await lock.forceRelease()
    expect(told.all.length).toBeGreaterThan(3)
    expect(JSON.stringify(told.all)).not.toContain(lock.getOwner())
  })

  test('a call is refused: after its tries, after its time, by its signal, or since the factory was closed', async () => {
    const { locks, told, key } = observed()
    await using _held = await context.open.factory().createLock(key).hold()
    const lock = locks.createLock(key)
    await lock.acquireImmediately()
    await lock.acquire({ retry: { attempts: 2, delay: 5 } })
    await lock.acquire({ retry: { timeout: 300 } })
    const waits = (count: number) => vi.waitFor(() => expect(told.of('waiting', key)).toHaveLength(count), 5_000)
    const controller = new AbortController()
    const aborted = lock.acquire({ signal: controller.signal }).catch(() => {})
    await waits(3)
    controller.abort()
    await aborted
    const closed = rejection(lock.acquire(), 'E_CLOSED')
    await waits(4)
    await locks.close()
    await closed
    const refusals = told.of('refused', key)
    expect(refusals.map(({ why }) => why)).toEqual(['held', 'held', 'timeout', 'aborted', 'closed'])
    expect(refusals.map(({ hasWaited }) => hasWaited)).toEqual([false, true, true, true, true])
    expect(refusals[1]?.tries).toBeGreaterThanOrEqual(2)
    expect(refusals[2]?.waitMs).toBeGreaterThanOrEqual(300)
    expect(told.of('waiting', key)).toHaveLength(4)
  })

  test('who waits in this process hears of that once, and for how long it was', async () => {
    const { locks, told, key } = observed()
    const held = await locks.createLock(key).hold()
    const waiter = locks.createLock(key).acquire()
    await vi.waitFor(() => expect(told.of('waiting', key)).toHaveLength(1))
    await sleep(30)
    await held.release()
    await waiter
    const [, granted] = told.of('acquired', key)
    expect(granted).toMatchObject({ hasWaited: true })
    expect(granted?.waitMs).toBeGreaterThanOrEqual(30)
  })

  test('a lease that is kept alive is extended again and again', async () => {
    const { locks, told, key } = observed()
    await locks
      .createLock(key, 500)
      .run(() => vi.waitFor(() => expect(told.of('extended', key).length).toBeGreaterThan(1), 5_000), {
        keepAlive: true,
      })
    expect(told.of('extended', key)[0]).toMatchObject({ how: 'kept-alive', ttlMs: 500 })
    expect(told.namesOf(key).at(-1)).toBe('released')
  })

  test('a lease that ends before its work: lost at that moment, overrun when the work ends', async () => {
    const { locks, told, key } = observed()
    const work = async () => {
      await vi.waitFor(() => expect(told.of('lost', key)).toHaveLength(1), 5_000)
      await sleep(30)
    }
    await rejection(locks.createLock(key, 400).run(work), 'E_LOCK_LOST')
    expect(told.namesOf(key)).toEqual(['acquired', 'lost', 'overrun'])
    const [lost] = told.of('lost', key)
    expect(lost).toMatchObject({ reason: 'expired', token: told.of('acquired', key)[0]?.token })
    expect(lost?.heldMs).toBeCloseTo(400, 0)
    const [overrun] = told.of('overrun', key)
    expect(overrun?.overMs).toBeGreaterThanOrEqual(25)
    expect(overrun?.heldMs).toBeGreaterThanOrEqual(425)
  })

  test('a lock that was acquired and forgotten is lost at its end', async () => {
    const { locks, told, key } = observed()
    await locks.createLock(key, 300).acquire()
    await vi.waitFor(() => expect(told.of('lost', key)).toMatchObject([{ reason: 'expired' }]), 5_000)
  })

  test('maxHold ends a hold that is kept alive', async () => {
    const { locks, told, key } = observed()
    await locks.createLock(key, 400).hold({ keepAlive: true, maxHold: 500 })
    await vi.waitFor(() => expect(told.of('lost', key)).toMatchObject([{ reason: 'max-hold' }]), 5_000)
  })

  test('a lock that somebody else has released by force is gone', async () => {
    const { locks, told, key } = observed()
    const other = observed()
    const lock = locks.createLock(key, '30s')
    await lock.acquire()
    await other.locks.createLock(key).forceRelease()
    await other.locks.createLock(key).forceRelease()
    await rejection(lock.extend(), 'E_LOCK_LOST')
    expect(told.of('lost', key)).toMatchObject([{ reason: 'gone' }])
    expect(other.told.of('released-by-force', key)).toEqual([
      { key, kind: 'lease', isUncommitted: false, wasHeld: true },
      { key, kind: 'lease', isUncommitted: false, wasHeld: false },
    ])
  })

  test('a lock that this process has released by force is lost, too', async () => {
    const { locks, told, key } = observed()
    const lock = locks.createLock(key, '30s')
    await lock.acquire()
    await lock.forceRelease()
    expect(told.of('lost', key)).toMatchObject([{ reason: 'forced' }])
  })

  test.skipIf(context.backend.hasPresence)('a lock that is serialized is handed on, once', async () => {
    const { locks, told, key } = observed()
    const other = observed()
    const lock = locks.createLock(key, '30s')
    await lock.acquire()
    lock.serialize()
    const restored = other.locks.restoreLock(lock.serialize())
    await restored.extend()
    await restored.release()
    expect(told.namesOf(key)).toEqual(['acquired', 'handed-on'])
    expect(other.told.namesOf(key)).toEqual(['extended', 'released'])
    expect(other.told.of('released', key)).toMatchObject([{ heldMs: null, token: told.of('handed-on', key)[0]?.token }])
  })

  test('a run of runOncePer, and a term of elect, are acquired and released', async () => {
    const { locks, told, key } = observed()
    await locks.runOncePer(key, '1h', () => 'done')
    await locks.runOncePer(key, '1h', () => 'again')
    expect(told.namesOf(key)).toEqual(['acquired', 'released', 'refused'])
    const term = context.key()
    await locks.elect(term, () => 'resigned')
    expect(told.namesOf(term)).toEqual(['acquired', 'released'])
  })

  test('closing releases what is held', async () => {
    const { locks, told, key } = observed()
    await locks.createLock(key, '30s').acquire()
    await locks.close()
    expect(told.of('released', key)).toHaveLength(1)
  })
}
