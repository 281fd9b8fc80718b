import { expect, test } from 'vitest'
import { errors } from '../../src/index.ts'
import type { SuiteContext } from './suite-context.ts'

/** The usage page of Verrou, example by example. */
export function usagePage(context: SuiteContext): void {
  const verrou = () => context.open.factory()
  const doSomething = () => 'done'

  test('creating a lock acquires nothing; the duration is ms, a string, or null', async () => {
    const key = context.key()
    for (const ttl of [1000, '1s', '1m', null]) expect(await verrou().createLock(key, ttl).isLocked()).toBe(false)
  })

  test('manual lock, with error handling', async () => {
    const lock = verrou().createLock(context.key(), null)
    const acquired = await lock.acquire()
    expect(acquired).toBe(true)
    try {
      doSomething()
    } finally {
      await lock.release()
    }
    expect(await lock.isLocked()).toBe(false)
  })

  test('the run method releases automatically, and answers a tuple', async () => {
    const lock = verrou().createLock(context.key(), '2s')
    const [acquired, result] = await lock.run(async () => doSomething())
    expect([acquired, result]).toEqual([true, 'done'])
    expect(await lock.isLocked()).toBe(false)
  })

  test('a retry policy: attempts, delay, timeout; false when the lock could not be acquired', async () => {
    const key = context.key()
    await verrou().createLock(key, '10s').acquire()
    const lock = verrou().createLock(key, '2s')
    const startMs = performance.now()
    expect(await lock.acquire({ retry: { attempts: 5, delay: 100, timeout: 1000 } })).toBe(false)
    expect(performance.now() - startMs).toBeLessThan(1_500)
    expect(await lock.acquireImmediately()).toBe(false)
    expect(await lock.run(doSomething, { retry: { attempts: 1 } })).toEqual([false, null])
    expect(await lock.runImmediately(doSomething)).toEqual([false, null])
  })

  test('only the instance that acquired can release', async () => {
    const key = context.key()
    const lock1 = verrou().createLock(key, '2s')
    const lock2 = verrou().createLock(key, '2s')
    await lock1.acquire()
    await expect(lock2.release()).rejects.toBeInstanceOf(errors.E_LOCK_NOT_OWNER)
    await expect(lock2.release()).rejects.toBeInstanceOf(errors.E_LOCK_NOT_OWNED)
  })

  test('an app hands the lock to a worker', async ({ skip }) => {
    if (context.backend.hasPresence) return skip('nothing can be handed over')
    const lock = verrou().createLock(context.key(), '2s')
    await lock.acquire()
    const message = JSON.stringify({ paymentId: 123, lock: lock.serialize() })

    const { lock: serialized } = JSON.parse(message)
    await verrou().restoreLock(serialized).release()
    expect(await lock.isLocked()).toBe(false)
  })

  test('forceRelease, no matter the owner', async () => {
    const lock = verrou().createLock(context.key(), null)
    await lock.acquire()
    await verrou().createLock(lock.key).forceRelease()
    expect(await lock.isLocked()).toBe(false)
  })

  test('refreshing a lock', async () => {
    const lock = verrou().createLock(context.key(), '10s')
    await lock.acquire()
    await lock.extend()
    expect(lock.getRemainingTime()).toBeGreaterThan(9_000)
    await lock.extend('5s')
    expect(lock.getRemainingTime()).toBeLessThanOrEqual(5_000)
    expect(lock.isExpired()).toBe(false)
  })
}
