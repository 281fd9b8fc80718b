import { getEventListeners } from 'node:events'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { boundsOf } from '../../src/engine/bounds.ts'
import { SharedSignal } from '../../src/engine/shared-signal.ts'
import { SharedSignals } from '../../src/engine/shared-signals.ts'
import { LockFactory } from '../../src/index.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { FakeClock } from '../support/fake-clock.ts'

const MANY = 20_000

/** With a comparison of each with all the others it is three to ten times as much. */
const SOON_MS = 1_500

afterEach(() => {
  vi.restoreAllMocks()
})

describe.each(['closing', 'aborting'] as const)('%s', (how) => {
  test(`${MANY} waiters for a key line up and leave in no time`, async () => {
    const locks = new LockFactory(new MemoryStore(() => Math.round(performance.now() * 1000) + 1_000_000))
    await locks.createLock('k', null).acquire()
    const aborting = new AbortController()
    const listening = vi.spyOn(EventTarget.prototype, 'addEventListener')
    const cpu = process.cpuUsage()
    const outcomes = Array.from({ length: MANY }, () =>
      locks
        .createLock('k')
        .acquire({ signal: aborting.signal })
        .catch((error) => error.message),
    )
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(getEventListeners(aborting.signal, 'abort')).toHaveLength(1)
    expect(listening.mock.calls.length).toBeLessThan(10)

    if (how === 'closing') await locks.close()
    else aborting.abort(new Error('enough'))
    const reason = how === 'closing' ? 'this LockFactory was closed' : 'enough'
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set([reason]))
    expect(process.cpuUsage(cpu).user / 1000).toBeLessThan(SOON_MS)
    expect(getEventListeners(aborting.signal, 'abort')).toHaveLength(0)
    await locks.close()
  })
})

describe('one signal, many calls', () => {
  const clock = new FakeClock()
  const never = () => new Promise<never>(() => {})

  test('ends all that still wait, and nobody who has left', async () => {
    const controller = new AbortController()
    const shared = new SharedSignal(controller.signal)
    const left = boundsOf(clock, Number.POSITIVE_INFINITY, shared).race(Promise.resolve('done'))
    const waiting = [1, 2].map(() => boundsOf(clock, Number.POSITIVE_INFINITY, undefined, shared).race(never()))
    expect(await left).toBe('done')
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
    controller.abort('over')
    expect(await Promise.allSettled(waiting)).toEqual([1, 2].map(() => ({ status: 'rejected', reason: 'over' })))
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })

  test('is heard again after everybody had left', async () => {
    const controller = new AbortController()
    const shared = new SharedSignal(controller.signal)
    await boundsOf(clock, Number.POSITIVE_INFINITY, shared).race(Promise.resolve())
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
    const waiting = boundsOf(clock, Number.POSITIVE_INFINITY, shared).race(never())
    controller.abort('over')
    await expect(waiting).rejects.toBe('over')
  })

  test('that has aborted ends a call at once', async () => {
    const shared = new SharedSignal(AbortSignal.abort('over'))
    const bounds = boundsOf(clock, Number.POSITIVE_INFINITY, shared)
    await expect(bounds.race(never())).rejects.toBe('over')
    expect(() => bounds.throwIfAborted()).toThrow('over')
  })

  test('each call hears the reason of the signal that ended it', async () => {
    const [one, other] = [new AbortController(), new AbortController()]
    const waiting = boundsOf(clock, Number.POSITIVE_INFINITY, new SharedSignal(one.signal), other.signal).race(never())
    other.abort('other')
    one.abort('one')
    await expect(waiting).rejects.toBe('other')
  })

  test('is shared by all who give the same one', () => {
    const signals = new SharedSignals()
    const { signal } = new AbortController()
    expect(signals.of(signal)).toBe(signals.of(signal))
    expect(signals.of(new AbortController().signal)).not.toBe(signals.of(signal))
  })
})
