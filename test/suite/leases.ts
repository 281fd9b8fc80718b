import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { errors } from '../../src/index.ts'
import { rejection } from './rejection.ts'
import type { SuiteContext } from './suite-context.ts'

/** G1: by the database's clock, two live leases on one key never overlap. And what the API answers about it. */
export function leases(context: SuiteContext): void {
  const lockPair = (ttl: number | string | null = '30s') => {
    const key = context.key()
    return [context.open.factory().createLock(key, ttl), context.open.factory().createLock(key, ttl)] as const
  }

  test('a free key is granted, and refused to everybody else', async () => {
    const [first, second] = lockPair()
    expect(await first.acquireImmediately()).toBe(true)
    expect(await second.acquireImmediately()).toBe(false)
    expect(await second.acquire({ retry: { attempts: 2, delay: 5 } })).toBe(false)
    expect(await second.acquire({ retry: { timeout: 0 } })).toBe(false)
  })

  test('two keys do not know of each other', async () => {
    const [first] = lockPair()
    const [other] = lockPair()
    expect(await first.acquireImmediately()).toBe(true)
    expect(await other.acquireImmediately()).toBe(true)
  })

  test('a lock is not reentrant: its own second acquire is refused, and forgets nothing', async () => {
    const [lock] = lockPair()
    await lock.acquire()
    const token = lock.fencingToken
    expect(await lock.acquireImmediately()).toBe(false)
    expect(lock.fencingToken).toBe(token)
    expect(lock.isExpired()).toBe(false)
    await lock.release()
  })

  test('a released key is granted to the next', async () => {
    const [first, second] = lockPair()
    await first.acquire()
    await first.release()
    expect(await second.acquireImmediately()).toBe(true)
  })

  test('a lease ends with its TTL, by the database clock', async () => {
    const [first, second] = lockPair('10s')
    await first.acquire()
    await context.open.pass(9_000)
    expect(await second.acquireImmediately()).toBe(false)
    await context.open.pass(1_100)
    expect(await second.isLocked()).toBe(false)
    expect(await second.acquireImmediately()).toBe(true)
  })

  test('a lease of null never ends by itself', async () => {
    const [first, second] = lockPair(null)
    await first.acquire()
    expect(first.getRemainingTime()).toBeNull()
    expect(first.isExpired()).toBe(false)
    await context.open.pass(10 * 365 * 86_400_000)
    expect(await second.acquireImmediately()).toBe(false)
    expect(await second.isLocked()).toBe(true)
    await first.release()
    expect(await second.acquireImmediately()).toBe(true)
  })

  test('isLocked tells whether anybody holds the key', async () => {
    const [first, second] = lockPair()
    expect(await second.isLocked()).toBe(false)
    await first.acquire()
    expect(await second.isLocked()).toBe(true)
    await first.release()
    expect(await second.isLocked()).toBe(false)
  })

  test('a stranger cannot release the lock', async () => {
    const [first, second] = lockPair()
    await first.acquire()
    const error = await rejection(second.release(), 'E_LOCK_NOT_OWNED')
    expect(error).toBeInstanceOf(errors.E_LOCK_NOT_OWNER)
    expect(await second.isLocked()).toBe(true)
  })

  test('releasing twice, or what was never acquired, is E_LOCK_NOT_OWNED', async () => {
    const [lock] = lockPair()
    await rejection(lock.release(), 'E_LOCK_NOT_OWNED')
    await lock.acquire()
    await lock.release()
    await rejection(lock.release(), 'E_LOCK_NOT_OWNED')
  })

  test('a late release never frees a newer hold, not even one of the same object', async () => {
    const [lock, stranger] = lockPair('10s')
    const first = await lock.hold()
    await context.open.pass(11_000)
    const second = await lock.hold()
    await rejection(first.release(), 'E_LOCK_NOT_OWNED')
    expect(await stranger.acquireImmediately()).toBe(false)
    await second.release()
  })

  test('a hold that was taken over cannot be released or extended', async () => {
    const [first, second] = lockPair('10s')
    await first.acquire()
    await context.open.pass(11_000)
    await second.acquire()
    await rejection(first.extend(), 'E_LOCK_LOST')
    await rejection(first.release(), 'E_LOCK_NOT_OWNED')
    expect(await second.isLocked()).toBe(true)
    await second.release()
  })

  test('an expired hold that nobody took can still be released', async () => {
    const [first] = lockPair('10s')
    await first.acquire()
    await context.open.pass(11_000)
    await first.release()
    expect(first.fencingToken).toBeNull()
  })

  test('only a live hold can be extended: an expired one is lost, though nobody took it', async () => {
    const [first, second] = lockPair('10s')
    await first.acquire()
    await context.open.pass(11_000)
    await rejection(first.extend('1m'), 'E_LOCK_LOST')
    expect(await second.acquireImmediately()).toBe(true)
  })

  test('extend counts from now, with the TTL of the lock or the one given', async () => {
    const [first, second] = lockPair('10s')
    await first.acquire()
    await first.extend('40s')
    expect(first.getRemainingTime()).toBeGreaterThan(35_000)
    expect(first.getRemainingTime()).toBeLessThanOrEqual(40_000)
    await context.open.pass(30_000)
    expect(await second.acquireImmediately()).toBe(false)
    await first.extend()
    expect(first.getRemainingTime()).toBeLessThanOrEqual(10_000)
    await context.open.pass(9_000)
    expect(await second.acquireImmediately()).toBe(false)
    await context.open.pass(2_000)
    expect(await second.acquireImmediately()).toBe(true)
  })

  test('extend turns a lease into one that never ends, and back', async () => {
    const [first, second] = lockPair('10s')
    await first.acquire()
    await first.extend(null)
    await first.extend(null)
    expect(first.getRemainingTime()).toBeNull()
    await context.open.pass(60_000)
    expect(await second.acquireImmediately()).toBe(false)
    await first.extend('10s')
    await context.open.pass(11_000)
    expect(await second.acquireImmediately()).toBe(true)
  })

  test('extending what was never acquired, or was released, is E_LOCK_NOT_OWNED', async () => {
    const [lock] = lockPair()
    await rejection(lock.extend(), 'E_LOCK_NOT_OWNED')
    await lock.acquire()
    await lock.release()
    await rejection(lock.extend(), 'E_LOCK_NOT_OWNED')
  })

  test('forceRelease frees the key, and fences the old hold out', async () => {
    const [first, second] = lockPair()
    await first.acquire()
    await second.forceRelease()
    expect(await second.isLocked()).toBe(false)
    await rejection(first.extend(), 'E_LOCK_LOST')
    await rejection(first.release(), 'E_LOCK_NOT_OWNED')
    expect(await second.acquireImmediately()).toBe(true)
  })

  test('forceRelease of a key that is free or unknown does nothing', async () => {
    const [lock] = lockPair()
    const store = context.open.store()
    await lock.forceRelease()
    await lock.acquire()
    await lock.release()
    const before = await store.inspect(lock.key)
    await lock.forceRelease()
    expect((await store.inspect(lock.key))?.token).toBe(before?.token)
    expect(await store.forceRelease(lock.key)).toBe(false)
  })

  test('the local clock counts from before the request, and in real time', async () => {
    const [lock] = lockPair(800)
    const beforeMs = performance.now()
    await lock.acquire()
    const spentMs = performance.now() - beforeMs
    expect(lock.getRemainingTime()).toBeLessThanOrEqual(800)
    expect(lock.getRemainingTime()).toBeGreaterThanOrEqual(800 - spentMs - 50)
    await sleep(801)
    expect(lock.isExpired()).toBe(true)
    expect(lock.getRemainingTime()).toBe(0)
  })
}
