import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { isLockError, type RunContext } from '../../src/index.ts'
import { rejection } from './rejection.ts'
import type { SuiteContext } from './suite-context.ts'

/** `run` and `hold`: the lock is given back whatever the work does, and the work's outcome always reaches the caller. */
export function runAndHold(context: SuiteContext): void {
  const lockPair = (ttl: number | string = '30s') => {
    const key = context.key()
    return [context.open.factory().createLock(key, ttl), context.open.factory().createLock(key, ttl)] as const
  }

  test('run answers [true, result], and releases', async () => {
    const [lock, other] = lockPair()
    const outcome = await lock.run(async ({ fencingToken, lock: same, signal }) => {
      expect(await other.acquireImmediately()).toBe(false)
      expect(fencingToken).toBe(lock.fencingToken)
      expect(same.getOwner()).toBe(lock.getOwner())
      expect(same.fencingToken).toBe(fencingToken)
      expect(signal.aborted).toBe(false)
      return 42
    })
    expect(outcome).toEqual([true, 42])
    expect(await other.runImmediately(() => 'sync')).toEqual([true, 'sync'])
  })

  test('run answers [false, null] when the lock is held', async () => {
    const [lock, other] = lockPair()
    await other.acquire()
    let ran = false
    const work = () => {
      ran = true
    }
    expect(await lock.runImmediately(work)).toEqual([false, null])
    expect(await lock.run(work, { retry: { attempts: 2, delay: 1 } })).toEqual([false, null])
    expect(ran).toBe(false)
  })

  test('an error of the work is thrown as it is, after the release', async () => {
    const [lock, other] = lockPair()
    const failure = new Error('work failed')
    await expect(lock.run(() => Promise.reject(failure))).rejects.toBe(failure)
    expect(failure.cause).toBeUndefined()
    expect(await other.acquireImmediately()).toBe(true)
  })

  test('two runs of one object at the same time take turns', async () => {
    const [lock] = lockPair()
    let inside = 0
    let most = 0
    const work = async () => {
      most = Math.max(most, ++inside)
      await sleep(10)
      inside--
    }
    await Promise.all([1, 2, 3].map(() => lock.run(work, { retry: { delay: 10 } })))
    expect(most).toBe(1)
  })

  test('a result that came after the lease was taken over becomes E_LOCK_LOST, which carries it', async () => {
    const [lock, thief] = lockPair('10s')
    const error = await rejection(
      lock.run(async () => {
        await context.open.pass(11_000)
        await thief.acquire()
        return 'done anyway'
      }),
      'E_LOCK_LOST',
    )
    expect(error.result).toBe('done anyway')
    expect(await thief.isLocked()).toBe(true)
  })

  test('an error of the work stays the error; the loss is at the end of its causes', async () => {
    const [lock, thief] = lockPair()
    const root = new Error('root')
    const failure = new Error('work failed', { cause: root })
    const work = async () => {
      await thief.forceRelease()
      throw failure
    }
    await expect(lock.run(work)).rejects.toBe(failure)
    expect(isLockError(root.cause, 'E_LOCK_LOST')).toBe(true)
  })

  test('what cannot carry a cause comes in an AggregateError with the loss', async () => {
    const [lock, thief] = lockPair()
    for (const thrown of ['a string', Object.freeze(new Error('frozen')), null]) {
      const work = async () => {
        await thief.forceRelease()
        throw thrown
      }
      const error = await lock.run(work).catch((reason) => reason)
      expect(error).toBeInstanceOf(AggregateError)
      expect(error.errors[0]).toBe(thrown)
      expect(isLockError(error.errors[1], 'E_LOCK_LOST')).toBe(true)
    }
  })

  test('the signal aborts at the local deadline, and the result says that the lease was lost', async () => {
    const [lock] = lockPair(500)
    let reason: unknown
    const work = async ({ signal }: RunContext) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      reason = signal.reason
      return 'late'
    }
    const error = await rejection(lock.run(work), 'E_LOCK_LOST')
    expect(error.result).toBe('late')
    expect(isLockError(reason, 'E_LOCK_LOST')).toBe(true)
  })

  test('an extension in the work moves the deadline of the signal', async () => {
    const [lock] = lockPair(1_000)
    const [ran, aborted] = await lock.run(async ({ signal }) => {
      expect(signal.aborted).toBe(false)
      await lock.extend('30s')
      await sleep(1_100)
      return signal.aborted
    })
    expect([ran, aborted]).toEqual([true, false])
  })

  test('a work that releases the lock itself has lost nothing', async () => {
    const [lock] = lockPair()
    expect(await lock.run(({ lock: held }) => held.release())).toEqual([true, undefined])
  })

  test('a work that overran its TTL cannot touch the next hold of the same object', async () => {
    const [lock, other] = lockPair('10s')
    const begun = Promise.withResolvers<void>()
    const overrun = Promise.withResolvers<void>()
    const first = lock.run(async ({ lock: mine }) => {
      begun.resolve()
      await overrun.promise
      await rejection(mine.extend(), 'E_LOCK_LOST')
      await rejection(mine.release(), 'E_LOCK_NOT_OWNED')
    })
    await begun.promise
    await context.open.pass(11_000)
    await lock.run(async () => {
      overrun.resolve()
      await rejection(first, 'E_LOCK_LOST')
      expect(await other.acquireImmediately()).toBe(false)
    })
  })

  test('hold releases at the end of its scope, also after an error', async () => {
    const [lock, other] = lockPair()
    const scope = async () => {
      await using held = await lock.hold()
      expect(held.fencingToken).toBeGreaterThan(0)
      expect(held.signal.aborted).toBe(false)
      await held.extend('20s')
      throw new Error('from the scope')
    }
    await expect(scope()).rejects.toThrow('from the scope')
    expect(await other.acquireImmediately()).toBe(true)
  })

  test('hold rejects with E_LOCK_TIMEOUT when it is not granted in time', async () => {
    const [lock, other] = lockPair()
    await other.acquire()
    await rejection(lock.hold({ retry: { timeout: 500, delay: 10 } }), 'E_LOCK_TIMEOUT')
  })

  test('a scope whose hold was lost ends with E_LOCK_LOST', async () => {
    const [lock, other] = lockPair()
    const scope = async () => {
      await using held = await lock.hold()
      expect(held.key).toBe(lock.key)
      await other.forceRelease()
    }
    await rejection(scope(), 'E_LOCK_LOST')
  })

  test('a hold released early leaves its scope quietly, and cannot be released again', async () => {
    const [lock] = lockPair()
    await using held = await lock.hold()
    await held.release()
    await rejection(held.release(), 'E_LOCK_NOT_OWNED')
    await rejection(held.extend(), 'E_LOCK_NOT_OWNED')
  })
}
