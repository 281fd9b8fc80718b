import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { isLockError, type Leadership } from '../../src/index.ts'
import { rejection } from './rejection.ts'
import type { SuiteContext } from './suite-context.ts'

/** `elect`: one leader at a time. */
export function election(context: SuiteContext): void {
  const aborted = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve())
    })

  test('of many, one leads at a time; when it resigns the next one does, with a higher term', async () => {
    const key = context.key()
    const terms: number[] = []
    let leaders = 0
    let most = 0
    const lead = async ({ term }: Leadership) => {
      most = Math.max(most, ++leaders)
      terms.push(term)
      await sleep(30)
      leaders--
      return term
    }
    const results = await Promise.all([1, 2, 3, 4].map(() => context.open.factory().elect(key, lead)))
    expect(most).toBe(1)
    expect(terms).toEqual([...terms].sort((one, other) => one - other))
    expect(new Set(terms).size).toBe(4)
    expect(new Set(results)).toEqual(new Set(terms))
  })

  test('a leader leads for longer than its TTL', async () => {
    const key = context.key()
    const other = context.open.factory().createLock(key)
    const lead = async ({ signal }: Leadership) => {
      await sleep(2_200)
      return [signal.aborted, await other.acquireImmediately()]
    }
    expect(await context.open.factory().elect(key, lead, { ttl: 1_000 })).toEqual([false, false])
  })

  test('a leader that was overtaken learns of it, and takes part in the next election', async () => {
    const key = context.key()
    const terms: string[] = []
    const first = context.open.factory().elect(
      key,
      async ({ signal }) => {
        terms.push('first')
        if (terms.length > 1) return 'resigned'
        await context.open.pass(1_600)
        await aborted(signal)
        terms.push(isLockError(signal.reason, 'E_LOCK_LOST') ? 'first lost' : String(signal.reason))
        throw signal.reason
      },
      { ttl: 1_500 },
    )
    await expect.poll(() => terms, { timeout: 5_000 }).toEqual(['first'])
    const second = context.open.factory().elect(key, async () => {
      terms.push('second')
      await sleep(1_000)
      return 'resigned'
    })
    expect(await Promise.all([first, second])).toEqual(['resigned', 'resigned'])
    expect(terms).toEqual(['first', 'second', 'first lost', 'first'])
  })

  test('an error of the leader is thrown, and somebody else leads', async () => {
    const key = context.key()
    const failure = new Error('cannot lead')
    await expect(context.open.factory().elect(key, () => Promise.reject(failure))).rejects.toBe(failure)
    expect(await context.open.factory().elect(key, () => 'leads')).toBe('leads')
  })

  test('a signal ends the waiting, and tells a leader to stop', async () => {
    const key = context.key()
    const stop = new AbortController()
    const elected = Promise.withResolvers<void>()
    const lead = ({ signal }: Leadership) => {
      elected.resolve()
      return aborted(signal).then(() => signal.reason)
    }
    const leading = context.open.factory().elect(key, lead, { signal: stop.signal })
    await elected.promise
    const leave = new AbortController()
    const waiting = context.open.factory().elect(key, () => expect.fail('elected'), { signal: leave.signal })
    await sleep(50)
    leave.abort('no interest')
    await expect(waiting).rejects.toBe('no interest')
    stop.abort('stop')
    expect(await leading).toBe('stop')
    // A try of the other's may have been on its way when it left, and is given back if it was granted; nothing stays until the TTL ends.
    await expect.poll(() => context.open.factory().createLock(key).isLocked(), { timeout: 3_000 }).toBe(false)
  })

  test('closing the factory tells the leader to stop, and frees the office', async () => {
    const key = context.key()
    const locks = context.open.factory()
    const elected = Promise.withResolvers<void>()
    const leading = locks.elect(key, ({ signal }) => {
      elected.resolve()
      return aborted(signal).then(() => signal.reason)
    })
    const waiting = locks.elect(key, () => expect.fail('elected'))
    waiting.catch(() => {})
    await elected.promise
    await locks.close()
    expect(isLockError(await leading, 'E_CLOSED')).toBe(true)
    await rejection(waiting, 'E_CLOSED')
    expect(await context.open.factory().elect(key, () => 'leads')).toBe('leads')
  })

  test('bad values are refused', async () => {
    const locks = context.open.factory()
    const lead = () => expect.fail('elected')
    await rejection(locks.elect('', lead), 'E_INVALID_KEY')
    await rejection(locks.elect('k', lead, { ttl: 0 }), 'E_INVALID_DURATION')
    await rejection(locks.elect('k', lead, { ttl: null as never }), 'E_INVALID_DURATION')
    await rejection(locks.elect('k', lead, { retry: {} } as never), 'E_INVALID_OPTION')
    await rejection(locks.elect('k', lead, { signal: 1 as never }), 'E_INVALID_OPTION')
    await rejection(locks.elect('k', 1 as never), 'E_INVALID_OPTION')
    expect(() => locks.on('surprise' as never, () => {})).toThrow(/event/)
    expect(() => locks.on('wakeup-degraded', 1 as never)).toThrow(/listener/)
  })
}
