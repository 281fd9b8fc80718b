import { expect, test } from 'vitest'
import { rejection } from './rejection.ts'
import type { SuiteContext } from './suite-context.ts'

/** serialize and restoreLock: a hold goes to another process. */
export function handingOver(context: SuiteContext): void {
  const travel = <T>(value: T): T => JSON.parse(JSON.stringify(value))

  test('a restored lock can extend and release the hold', async () => {
    const lock = context.open.factory().createLock(context.key(), '30s')
    await lock.acquire()
    const restored = context.open.factory().restoreLock(travel(lock.serialize()))
    expect(restored.getOwner()).toBe(lock.getOwner())
    expect(restored.fencingToken).toBe(lock.fencingToken)
    await restored.extend('1m')
    expect(restored.getRemainingTime()).toBeGreaterThan(50_000)
    await restored.release()
    expect(await lock.isLocked()).toBe(false)
    await rejection(lock.release(), 'E_LOCK_NOT_OWNED')
  })

  test('serialize names key, owner, ttl, expirationTime by the database clock, and token', async () => {
    const lock = context.open.factory().createLock(context.key(), '30s')
    const empty = { key: lock.key, owner: lock.getOwner(), ttl: 30_000, expirationTime: null, token: null }
    expect(lock.serialize()).toEqual(empty)
    await lock.acquire()
    expect(lock.serialize()).toEqual({ ...empty, expirationTime: expect.any(Number), token: lock.fencingToken })
    if (context.backend.family !== 'memory') {
      // The servers of the tests run on this machine, so that the clocks agree.
      expect(Math.abs(Number(lock.serialize().expirationTime) - Date.now() - 30_000)).toBeLessThan(2_000)
    }
    await lock.release()
    expect(lock.serialize()).toEqual(empty)
  })

  test('a restored lock knows its remaining time once its process has heard the database clock', async () => {
    const giver = context.open.factory().createLock(context.key(), '30s')
    await giver.acquire()
    const taker = context.open.factory()
    const restored = taker.restoreLock(travel(giver.serialize()))
    expect(restored.isExpired()).toBe(true)
    await restored.isLocked()
    expect(restored.isExpired()).toBe(false)
    expect(restored.getRemainingTime()).toBeGreaterThan(25_000)
    expect(restored.getRemainingTime()).toBeLessThanOrEqual(30_000)
  })

  test('a lock without end is restored as one', async () => {
    const giver = context.open.factory().createLock(context.key(), null)
    await giver.acquire()
    const restored = context.open.factory().restoreLock(travel(giver.serialize()))
    expect(restored.getRemainingTime()).toBeNull()
    expect(restored.isExpired()).toBe(false)
    await restored.release()
  })

  test("Verrou's form without a token releases and extends the owner's hold", async () => {
    const lock = context.open.factory().createLock(context.key(), '30s')
    await lock.acquire()
    const { token, ...fourFields } = travel(lock.serialize())
    await context.open.factory().restoreLock(fourFields).extend('40s')
    const restored = context.open.factory().restoreLock(fourFields)
    await restored.release()
    expect(await lock.isLocked()).toBe(false)
    await rejection(context.open.factory().restoreLock(fourFields).release(), 'E_LOCK_NOT_OWNED')
  })

  test('a lock restored before it was acquired releases the hold that came later', async () => {
    const lock = context.open.factory().createLock(context.key(), '30s')
    const restored = context.open.factory().restoreLock(travel(lock.serialize()))
    await rejection(restored.release(), 'E_LOCK_NOT_OWNED')
    await lock.acquire()
    await restored.release()
    expect(await lock.isLocked()).toBe(false)
  })

  test('a restored lock whose hold was taken over can do nothing', async () => {
    const lock = context.open.factory().createLock(context.key(), '10s')
    await lock.acquire()
    const serialized = travel(lock.serialize())
    await context.open.pass(11_000)
    const thief = context.open.factory().createLock(lock.key)
    await thief.acquire()
    await rejection(context.open.factory().restoreLock(serialized).extend(), 'E_LOCK_LOST')
    await rejection(context.open.factory().restoreLock(serialized).release(), 'E_LOCK_NOT_OWNED')
    expect(await thief.isLocked()).toBe(true)
  })

  test('a restored twin is a stranger to an acquire of its original', async () => {
    const lock = context.open.factory().createLock(context.key(), '30s')
    const twin = context.open.factory().restoreLock(travel(lock.serialize()))
    expect(await lock.acquireImmediately()).toBe(true)
    expect(await twin.acquireImmediately()).toBe(false)
    await lock.release()
    expect(await twin.acquireImmediately()).toBe(true)
    expect(await lock.acquireImmediately()).toBe(false)
    await twin.release()
  })
}
