import { channel } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { memoryStore } from '../../src/drivers/memory.ts'
import { DatabaseClock } from '../../src/engine/database-clock.ts'
import { KeepAlive } from '../../src/engine/keep-alive.ts'
import {
  type HoldEvent,
  LockFactory,
  type LockFactoryOptions,
  type LockStore,
  StoreTrouble,
  Verrou,
  type WakeupRecovery,
  type WakeupTrouble,
} from '../../src/index.ts'
import { LOCK_EVENT_NAMES } from '../../src/lock-channels.ts'
import { EventListeners } from '../../src/locks/event-listeners.ts'
import { EventTopic } from '../../src/locks/event-topic.ts'
import { HeldLease } from '../../src/locks/held-lease.ts'
import { Reporter } from '../../src/locks/reporter.ts'
import { systemClock } from '../../src/system-clock.ts'
import { rejection } from '../suite/rejection.ts'
import { changedStore } from '../support/changed-store.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { RecordedEvents } from '../support/record-events.ts'

afterEach(() => vi.restoreAllMocks())

/** What the process warns of, instead of printing it. */
function warnings() {
  const emit = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  return () => emit.mock.calls.map(([message, options]) => ({ message, ...(options as object) }))
}

/** A store that tells of trouble when it is told to. */
function troubledStore() {
  const listeners = new Set<(trouble: WakeupTrouble) => void>()
  const recoveries = new Set<(recovery: WakeupRecovery) => void>()
  const wakeSource: LockStore['wakeSource'] = {
    isHearing: false,
    subscribe: () => () => {},
    onTrouble(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    onRecovery(listener) {
      recoveries.add(listener)
      return () => recoveries.delete(listener)
    },
  }
  const { store } = changedStore(() => ({ wakeSource }))
  const trouble: WakeupTrouble = { reason: 'deaf', message: 'nothing arrives' }
  const tell = () => {
    for (const listener of listeners) listener(trouble)
  }
  const recover = () => {
    for (const listener of recoveries) listener({ degradedMs: 7 })
  }
  return { store, trouble, tell, recover, listeners, recoveries }
}

describe('trouble with wake-ups', () => {
  test('is told, and its end; one listener that throws hurts nobody, and they can leave', () => {
    const warned = warnings()
    const { store, trouble, tell, recover, listeners, recoveries } = troubledStore()
    const heard: object[] = []
    const locks = new LockFactory(store)
    locks.on('wakeup-degraded', () => {
      throw new Error('a bug of the listener')
    })
    const leave = locks.on('wakeup-degraded', (event) => heard.push(event))
    const leaveToo = locks.on('wakeup-restored', (event) => heard.push(event))
    tell()
    recover()
    expect(heard).toEqual([trouble, { degradedMs: 7 }])
    leave()
    leaveToo()
    tell()
    recover()
    expect(heard).toHaveLength(2)
    expect([listeners.size, recoveries.size]).toEqual([1, 0])
    expect(warned()).toHaveLength(1)
  })

  test('of all its stores is told to a Verrou', () => {
    const [one, other] = [troubledStore(), troubledStore()]
    const verrou = new Verrou({
      default: 'one',
      stores: { one: { driver: one.store }, other: { driver: other.store }, memory: { driver: memoryStore() } },
    })
    let heard = 0
    const leave = verrou.on('wakeup-degraded', () => heard++)
    one.tell()
    other.tell()
    expect(heard).toBe(2)
    leave()
    expect(one.listeners.size + other.listeners.size).toBe(0)
  })

  test('a store that cannot tell is no error', () => {
    const { store } = changedStore(() => ({ wakeSource: undefined }))
    for (const name of ['wakeup-degraded', 'wakeup-restored'] as const) new LockFactory(store).on(name, () => {})()
  })
})

describe('a listener', () => {
  const pair = async (locks: LockFactory) => {
    const lock = locks.createLock('k')
    await lock.acquire()
    await lock.release()
  }

  test('that throws, or whose promise rejects, changes nothing for anybody, and is reported once', async () => {
    const warned = warnings()
    const locks = new LockFactory(memoryStore())
    let heard = 0
    locks.on('acquired', () => {
      throw new Error('thrown')
    })
    locks.on('acquired', () => Promise.reject(new Error('rejected')))
    // biome-ignore lint/suspicious/noThenProperty: a promise of another library
    locks.on('acquired', () => ({ then: (_: unknown, failed: (error: unknown) => void) => failed('a bluebird') }))
    locks.on('acquired', () => heard++)
    for (let round = 0; round < 3; round++) await pair(locks)
    await sleep(0)
    expect(heard).toBe(3)
    const told = warned()
    expect(told).toHaveLength(3)
    expect(told[0]).toMatchObject({ code: 'VERROU_LISTENER_FAILED', type: 'VerrouWarning' })
    expect(told[0]?.message).toMatch(/^a listener of 'acquired' has thrown; .*$/)
    for (const said of ['thrown', 'rejected', 'bluebird']) expect(JSON.stringify(told)).toContain(said)
  })

  test('may take locks, and come and go, while it is told', async () => {
    const locks = new LockFactory(memoryStore())
    const heard: string[] = []
    const leave = locks.on('released', ({ key }) => {
      heard.push(key)
      leave()
      locks.on('released', ({ key }) => heard.push(`again ${key}`))
      return locks.createLock('inner').run(() => {})
    })
    await pair(locks)
    await vi.waitFor(() => expect(heard).toEqual(['k', 'again inner']))
  })

  test('gets an event that nobody else can have changed', async () => {
    const warned = warnings()
    const locks = new LockFactory(memoryStore())
    const keys: string[] = []
    locks.on('acquired', (event) => Object.assign(event, { key: 'other' }))
    locks.on('acquired', ({ key }) => keys.push(key))
    await pair(locks)
    expect(keys).toEqual(['k'])
    expect(warned()).toHaveLength(1)
  })

  test('must be a function, for an event that there is', () => {
    const locks = new LockFactory(memoryStore())
    expect(() => locks.on('surprise' as never, () => {})).toThrow(
      /`event` must be one of waiting, acquired, .*surprise/,
    )
    expect(() => locks.on('acquired', 1 as never)).toThrow(/`listener` must be a function/)
    expect(() => locks.wrapWork(1 as never)).toThrow(/`wrapper` must be a function/)
  })

  test('that nobody is costs nothing: no event is made, and no timer runs', async () => {
    const clock = new FakeClock()
    const listeners = new EventListeners(undefined, undefined)
    const tell = vi.spyOn(EventTopic.prototype, 'tell')
    const init = { key: 'k', owner: 'o', token: 1, ttlUs: 1_000_000, deadlineMs: 1_000, expiresAtUs: null }
    const held = new HeldLease(init, clock, new DatabaseClock(clock), new Reporter(listeners, 'me', 'lease'))
    held.workEnded()
    held.end('released')
    const after = vi.spyOn(systemClock, 'after')
    await new LockFactory(memoryStore()).createLock('k').acquire()
    expect([tell.mock.calls, clock.pending, after.mock.calls]).toEqual([[], 0, []])
    // Who wants to hear of losses in time pays a timer.
    const locks = new LockFactory(memoryStore())
    locks.on('lost', () => {})
    await locks.createLock('k').acquire()
    expect(after).toHaveBeenCalledOnce()
  })
})

describe('the channels of the process', () => {
  test('have the events of every factory, while somebody has subscribed', async () => {
    const heard: unknown[] = []
    const listener = (event: unknown) => heard.push(event)
    const acquired = channel('verrou-sql:acquired')
    acquired.subscribe(listener)
    await new LockFactory(memoryStore()).createLock('one').run(() => {})
    await new LockFactory(memoryStore()).createLock('other').run(() => {})
    acquired.unsubscribe(listener)
    await new LockFactory(memoryStore()).createLock('third').run(() => {})
    expect(heard).toMatchObject([
      { key: 'one', kind: 'lease' },
      { key: 'other', tries: 1 },
    ])
  })

  test('are there for every event', () => {
    const all: Record<(typeof LOCK_EVENT_NAMES)[number], true> = {
      waiting: true,
      acquired: true,
      refused: true,
      failed: true,
      extended: true,
      released: true,
      lost: true,
      overrun: true,
      'handed-on': true,
      'released-by-force': true,
      leaked: true,
      'wakeup-degraded': true,
      'wakeup-restored': true,
    }
    expect([...LOCK_EVENT_NAMES]).toEqual(Object.keys(all))
  })
})

describe('a database that does not answer', () => {
  const down = () => Promise.reject(new StoreTrouble('failed', new Error('permission denied')))

  test.each<[string, LockFactoryOptions]>([
    ['acquire', {}],
    ['acquire with a time', { retry: { timeout: 5_000 } }],
  ])('%s: a failure with its code, and no refusal', async (_name, options) => {
    const { store } = changedStore(() => ({ tryAcquire: down }))
    const locks = new LockFactory(store, options)
    const told = new RecordedEvents(locks)
    const error = await rejection(locks.createLock('k').acquire(), 'E_LOCK_STORAGE_ERROR')
    expect(told.namesOf('k')).toEqual(['failed'])
    expect(told.of('failed')).toEqual([
      {
        ...{ action: 'acquire', key: 'k', kind: 'lease', isUncommitted: false, holds: 0, hasWaited: false, error },
        ...{ code: 'E_LOCK_STORAGE_ERROR', waitMs: expect.any(Number) },
      },
    ])
  })

  test('extend and release: a failure, and the holder is done with it', async () => {
    const { store } = changedStore(() => ({ extend: down, release: down }))
    const locks = new LockFactory(store)
    const told = new RecordedEvents(locks)
    const lock = locks.createLock('k')
    await lock.acquire()
    await rejection(lock.extend(), 'E_LOCK_STORAGE_ERROR')
    await rejection(lock.release(), 'E_LOCK_STORAGE_ERROR')
    expect(told.namesOf('k')).toEqual(['acquired', 'failed', 'failed', 'released'])
    expect(told.of('failed')).toMatchObject([{ action: 'extend', holds: 1, waitMs: null }, { action: 'release' }])
    expect(told.of('released')).toMatchObject([{ isConfirmed: false }])
  })

  test('the end of a run of runOncePer: the same', async () => {
    const { store } = changedStore(() => ({ finishRun: down }))
    const locks = new LockFactory(store)
    const told = new RecordedEvents(locks)
    await locks.runOncePer('k', '1h', () => {})
    expect(told.namesOf('k')).toEqual(['acquired', 'failed', 'released'])
  })

  test('an error of ours as the reason of the signal is a refusal, not a failure', async () => {
    const locks = new LockFactory(memoryStore())
    const told = new RecordedEvents(locks)
    await locks.createLock('k').acquire()
    const controller = new AbortController()
    const waiting = locks.createLock('k').acquire({ signal: controller.signal })
    const lost = await locks
      .createLock('other', 50)
      .run(() => sleep(60))
      .catch((error) => error)
    controller.abort(lost)
    await rejection(waiting, 'E_LOCK_LOST')
    expect(told.of('refused', 'k')).toMatchObject([{ why: 'aborted' }])
    expect(told.of('failed')).toEqual([])
  })
})

test('a hold that was handed on is not lost here, and one that never expires only if it is given an end', async () => {
  const locks = new LockFactory(memoryStore())
  const told = new RecordedEvents(locks)
  const lock = locks.createLock('a', 200)
  await lock.acquire()
  lock.serialize()
  const held = await locks.createLock('b', null).hold()
  await held.extend(250)
  const bounded = await locks.createLock('c', 300).hold({ maxHold: 300 })
  await bounded.extend(320)
  await vi.waitFor(() => expect(told.of('lost')).toHaveLength(2), 5_000)
  expect(told.of('lost').map(({ key, reason }) => [key, reason])).toEqual([
    ['b', 'expired'],
    ['c', 'expired'],
  ])
  await lock.release()
  expect(told.namesOf('a')).toEqual(['acquired', 'handed-on', 'released'])
})

test('who is handed the key in this process has put no question to the database', async () => {
  const locks = new LockFactory(memoryStore())
  const told = new RecordedEvents(locks)
  const held = await locks.createLock('k').hold()
  const waiter = locks.createLock('k').acquire()
  await vi.waitFor(() => expect(told.of('waiting')).toMatchObject([{ tries: 0 }]))
  await held.release()
  await waiter
  expect(told.of('acquired')[1]).toMatchObject({ tries: 0, hasWaited: true })
})

describe('by the clock', () => {
  const keeping = (extendAll: LockStore['extendAll']) => {
    const clock = new FakeClock()
    const listeners = new EventListeners(undefined, undefined)
    const reporter = new Reporter(listeners, 'me', 'lease')
    const failed = (holds: readonly { key: string }[], error: Error) => reporter.renewalFailed(holds, error)
    const keepAlive = new KeepAlive({ store: { extendAll }, timing: { clock, chance: () => 0 }, failed })
    const hold = (key: string) => {
      const init = { key, owner: 'o', token: 1, ttlUs: 30_000_000, deadlineMs: clock.nowMs() + 30_000 }
      const held = new HeldLease(
        { ...init, expiresAtUs: null, sentAtMs: clock.nowMs() },
        clock,
        new DatabaseClock(clock),
        reporter,
      )
      held.watch()
      keepAlive.keep(held)
      return held
    }
    return { clock, hold, told: new RecordedEvents(listeners as never) }
  }

  test('renewals that fail are told once for each statement; the loss when the lease ends', async () => {
    const { clock, hold, told } = keeping(() => Promise.reject(new Error('down')))
    hold('a')
    await clock.pass(100)
    hold('b')
    await clock.pass(10_000)
    const [first] = told.of('failed')
    expect(first).toMatchObject({ action: 'renew', key: null, holds: 2, code: 'E_LOCK_STORAGE_ERROR' })
    await clock.pass(19_899)
    expect(told.of('lost')).toEqual([])
    await clock.pass(1)
    const lost = { token: 1, kind: 'lease', isUncommitted: false, heldMs: 30_000, reason: 'expired' }
    expect(told.of('lost')).toEqual([{ key: 'a', ...lost }])
    await clock.pass(100)
    expect(told.of('lost')).toHaveLength(2)
    expect(clock.pending).toBe(0)
  })

  test('a renewal without an answer is a failure, too, and names its only key', async () => {
    const { clock, hold, told } = keeping(() => new Promise(() => {}))
    hold('a')
    await clock.pass(15_001)
    expect(told.of('failed')[0]).toMatchObject({ action: 'renew', key: 'a', holds: 1 })
    expect(told.of('failed')[0]?.error.message).toMatch(/did not answer a renewal within 5000 ms/)
  })

  test('renewals are told, and move the end', async () => {
    const { clock, hold, told } = keeping(async (renewals) => renewals.map(() => ({ kind: 'renewed', atUs: 1 })))
    const held = hold('a')
    await clock.pass(45_000)
    expect(told.of('extended')).toHaveLength(4)
    expect(told.of('lost')).toEqual([])
    held.end('released')
    expect(told.of('released')).toMatchObject([{ heldMs: 45_000, isConfirmed: true }])
    held.end('released')
    expect(told.of('released')).toHaveLength(1)
  })

  test('a process that was paused learns of the loss and of the overrun when it goes on', () => {
    const { clock, hold, told } = keeping(() => new Promise(() => {}))
    const held = hold('a')
    clock.jump(100_000)
    held.workEnded()
    held.workEnded()
    held.end('released')
    expect(told.namesOf('a')).toEqual(['lost', 'overrun'])
    expect(told.of('lost')[0]?.heldMs).toBe(30_000)
    expect(told.of('overrun')).toMatchObject([{ heldMs: 100_000, overMs: 70_000 }])
  })
})

describe('a wrapper of work', () => {
  test('has the callbacks of run, runOncePer and elect within it, the first one outermost', async () => {
    const locks = new LockFactory(memoryStore())
    const seen: unknown[] = []
    const wrapper = (name: string) => (hold: HoldEvent, work: () => void) => {
      seen.push(`${name} ${hold.key}`)
      work()
      seen.push(`${name} ends`)
    }
    locks.wrapWork(wrapper('outer'))
    const end = locks.wrapWork(wrapper('inner'))
    const work = () => void seen.push('work')
    expect(
      await locks.createLock('a').run(() => {
        work()
        return 1
      }),
    ).toEqual([true, 1])
    await locks.runOncePer('b', '1h', work)
    end()
    await locks.elect('c', work)
    const inBoth = (key: string) => [`outer ${key}`, `inner ${key}`, 'work', 'inner ends', 'outer ends']
    expect(seen).toEqual([...inBoth('a'), ...inBoth('b'), 'outer c', 'work', 'outer ends'])
  })

  test('cannot change what becomes of the work', async () => {
    const warned = warnings()
    const locks = new LockFactory(memoryStore())
    locks.wrapWork(() => {})
    locks.wrapWork((_hold, work) => {
      work()
      work()
      throw new Error('a bug of the wrapper')
    })
    let calls = 0
    expect(await locks.createLock('a').run(() => ++calls)).toEqual([true, 1])
    const error = new Error('of the work')
    await expect(
      locks.createLock('a').run(() => {
        throw error
      }),
    ).rejects.toBe(error)
    expect(warned()).toHaveLength(2)
  })

  test('of a Verrou is one of all its stores', async () => {
    const stores = { a: { driver: memoryStore() }, b: { driver: memoryStore() } }
    const verrou = new Verrou({ default: 'a', stores })
    const keys: string[] = []
    const end = verrou.wrapWork(({ key }, work) => {
      keys.push(key)
      work()
    })
    await verrou.createLock('one').run(() => {})
    await verrou
      .use('b')
      .createLock('two')
      .run(() => {})
    end()
    await verrou.createLock('three').run(() => {})
    expect(keys).toEqual(['one', 'two'])
  })
})
