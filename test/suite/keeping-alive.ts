import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { isLockError, type RunContext } from '../../src/index.ts'
import { rejection } from './rejection.ts'
import type { SuiteContext } from './suite-context.ts'

/** Leases that are renewed while somebody works under them. */
export function keepingAlive(context: SuiteContext): void {
  const lockPair = (ttl: number | null) => {
    const key = context.key()
    return [context.open.factory().createLock(key, ttl), context.open.factory().createLock(key, ttl)] as const
  }

  test('work that takes longer than its TTL keeps the lock, and others are refused all the time', async () => {
    const [lock, other] = lockPair(900)
    const work = async ({ signal }: RunContext) => {
      const intruders: boolean[] = []
      for (let round = 0; round < 20; round++) {
        await sleep(100)
        intruders.push(await other.acquireImmediately())
      }
      return { intruders: intruders.filter(Boolean).length, isAborted: signal.aborted }
    }
    expect(await lock.run(work, { keepAlive: true })).toEqual([true, { intruders: 0, isAborted: false }])
    expect(await other.acquireImmediately()).toBe(true)
  })

  test('a hold is kept alive until its scope ends', async () => {
    const [lock, other] = lockPair(900)
    {
      await using held = await lock.hold({ keepAlive: true })
      await sleep(1_500)
      expect(held.isExpired()).toBe(false)
      expect(await other.acquireImmediately()).toBe(false)
    }
    expect(await other.acquireImmediately()).toBe(true)
    await sleep(500)
    expect(await lock.isLocked()).toBe(true)
    await other.release()
    expect(await lock.isLocked()).toBe(false)
  })

  test('it can be the default of a factory', async () => {
    const key = context.key()
    const lock = context.open.factory({ keepAlive: true }).createLock(key, 600)
    expect(await lock.run(() => sleep(1_000, 'done'))).toEqual([true, 'done'])
    expect(await lock.runImmediately(() => sleep(1_000, 'done'))).toEqual([true, 'done'])
    await rejection(
      lock.run(() => sleep(1_000), { keepAlive: false }),
      'E_LOCK_LOST',
    )
  })

  test('a renewal that finds the lock taken away aborts the signal, long before the deadline', async () => {
    const [lock, thief] = lockPair(3_000)
    const startMs = performance.now()
    const work = async ({ signal }: RunContext) => {
      await thief.forceRelease()
      await new Promise((aborted) => signal.addEventListener('abort', aborted))
      return signal.reason
    }
    const error = await rejection(lock.run(work, { keepAlive: true }), 'E_LOCK_LOST')
    expect(isLockError(error.result, 'E_LOCK_LOST')).toBe(true)
    expect(performance.now() - startMs).toBeLessThan(2_500)
  })

  test('maxHold ends it, however it is renewed', async () => {
    const [lock, other] = lockPair(500)
    const startMs = performance.now()
    const work = async ({ signal }: RunContext) => {
      await new Promise((aborted) => signal.addEventListener('abort', aborted))
      return Math.round(performance.now() - startMs)
    }
    const { result } = await rejection(lock.run(work, { keepAlive: true, maxHold: 1_200 }), 'E_LOCK_LOST')
    expect(result).toBeGreaterThan(1_100)
    expect(result).toBeLessThan(1_700)
    expect(await other.acquire({ retry: { timeout: '5s' } })).toBe(true)
  })

  test('maxHold also ends a lease that would have no end', async () => {
    const [lock] = lockPair(null)
    await using held = await lock.hold({ keepAlive: true, maxHold: '20s' })
    expect(held.getRemainingTime()).toBeLessThanOrEqual(20_000)
    await held.release()
  })

  test('an extension by hand is not undone by the renewals', async () => {
    const [lock] = lockPair(600)
    await using held = await lock.hold({ keepAlive: true })
    await held.extend('30s')
    await sleep(700)
    expect(held.getRemainingTime()).toBeGreaterThan(28_000)
  })

  test('bad values are refused', async () => {
    const [lock] = lockPair(600)
    await rejection(
      lock.run(() => 1, { keepAlive: 'yes' as never }),
      'E_INVALID_OPTION',
    )
    await rejection(
      lock.run(() => 1, { maxHold: 0 }),
      'E_INVALID_OPTION',
    )
    await rejection(lock.hold({ maxHold: -1 }), 'E_INVALID_OPTION')
    await rejection(lock.hold({ maxHold: 'soon' }), 'E_INVALID_OPTION')
    await rejection(lock.acquire({ keepAlive: true } as never), 'E_INVALID_OPTION')
    expect(() => context.open.factory({ keepAlive: 1 as never })).toThrow(/keepAlive/)
    expect(await lock.isLocked()).toBe(false)
  })
}
