import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/drivers/memory.ts'
import { LockFactory, StoreTrouble } from '../../src/index.ts'
import { rejection } from '../suite/rejection.ts'
import { changedStore } from '../support/changed-store.ts'

const never = new Promise<never>(() => {})
const unanswered = () => Promise.reject(new StoreTrouble('unanswered', new Error('connection lost')))
const unreachable = () => Promise.reject(new StoreTrouble('unreachable', new Error('connect ECONNREFUSED')))

describe('extend', () => {
  test('of two at once, the last one that the store carried out decides the deadline', async () => {
    const { real, store } = changedStore((real) => ({
      async extend(hold, ttlUs) {
        const extended = await real.extend(hold, ttlUs)
        if (ttlUs === 60_000_000) await sleep(60)
        return extended
      },
    }))
    const lock = new LockFactory(store).createLock('k', '30s')
    await lock.acquire()
    await Promise.all([lock.extend('60s'), lock.extend(500)])
    const remainingMs = Number((await real.inspect('k'))?.remainingUs) / 1000
    expect(lock.getRemainingTime()).toBeLessThanOrEqual(remainingMs + 1)
  })

  test('to a shorter TTL that gets no answer: the signal aborts and the call ends at the shorter deadline', async () => {
    const { store } = changedStore(() => ({ extend: () => never }))
    const held = await new LockFactory(store).createLock('k', null).hold()
    const { signal } = held
    await rejection(held.extend(100), 'E_LOCK_LOST')
    expect(signal.aborted).toBe(true)
    expect(held.isExpired() || held.getRemainingTime() === 0).toBe(true)
  })

  test('whose answer comes after its own end is a loss', async () => {
    const { store } = changedStore((real) => ({
      async extend(hold, ttlUs) {
        const extended = await real.extend(hold, ttlUs)
        await sleep(300)
        return extended
      },
    }))
    const locks = new LockFactory(store)
    const original = locks.createLock('k', 5_000)
    await original.acquire()
    const restored = locks.restoreLock({ ...original.serialize(), ttl: 200 })
    await rejection(restored.extend(), 'E_LOCK_LOST')
  })

  test('of a restored lock on a silent database ends with the TTL', async () => {
    const { store } = changedStore(() => ({ extend: () => never }))
    const locks = new LockFactory(store)
    const original = locks.createLock('k', 200)
    await original.acquire()
    await rejection(locks.restoreLock(original.serialize()).extend(), 'E_LOCK_LOST')
  })

  test("of a hold without a TTL of its own is to the lock's, whatever came between", async () => {
    const held = await new LockFactory(memoryStore()).createLock('k', '30s').hold()
    await held.extend('5m')
    await held.extend()
    expect(held.getRemainingTime()).toBeLessThanOrEqual(30_000)
  })
})

describe('release', () => {
  test('that failed once and was repeated in the background is a success when it is asked for again', async () => {
    let failures = 1
    const { store } = changedStore((real) => ({
      release: (hold) => (failures-- > 0 ? Promise.reject(new Error('once')) : real.release(hold)),
    }))
    const lock = new LockFactory(store).createLock('k')
    await lock.acquire()
    await rejection(lock.release(), 'E_LOCK_STORAGE_ERROR')
    await sleep(20)
    await lock.release()
    expect(await lock.isLocked()).toBe(false)
  })

  test('inside run that failed once is no loss', async () => {
    let failures = 1
    const { store } = changedStore((real) => ({
      release: (hold) => (failures-- > 0 ? Promise.reject(new Error('once')) : real.release(hold)),
    }))
    const work = new LockFactory(store).createLock('k').run(async ({ lock }) => {
      await lock.release().catch(() => {})
      await sleep(20)
      return 'result'
    })
    expect(await work).toEqual([true, 'result'])
  })

  test('that is asked for twice at the same time happens once', async () => {
    const lock = new LockFactory(memoryStore()).createLock('k')
    await lock.acquire()
    await Promise.all([lock.release(), lock.release()])
    expect(lock.isExpired()).toBe(false)
    expect(await lock.run(({ lock: mine }) => void mine.release())).toEqual([true, undefined])
  })
})

describe('what was sent unheard', () => {
  test('and is carried out late does not keep the key: before the release', async () => {
    let sends = 0
    const { real, store } = changedStore((real) => ({
      tryAcquire(request) {
        if (sends++ > 0) return real.tryAcquire(request)
        setTimeout(() => void real.tryAcquire(request), 50)
        return unanswered()
      },
    }))
    const lock = new LockFactory(store).createLock('k', null)
    expect(await lock.acquireImmediately()).toBe(true)
    await sleep(80)
    await lock.release()
    expect((await real.inspect('k'))?.owner).toBeNull()
  })

  test('and is carried out late does not keep the key: after a refusal', { timeout: 15_000 }, async () => {
    let sends = 0
    const { real, store } = changedStore((real) => ({
      tryAcquire(request) {
        if (sends++ > 0) return real.tryAcquire(request)
        setTimeout(() => void real.tryAcquire(request), 1_000)
        return unanswered()
      },
    }))
    const locks = new LockFactory(store)
    await real.tryAcquire({ key: 'k', owner: 'other', attempt: 'other', ttlUs: 500_000, heldBy: 't' })
    expect(await locks.createLock('k', null).acquireImmediately()).toBe(false)
    await sleep(1_100)
    expect((await real.inspect('k'))?.owner).not.toBeNull()
    await expect.poll(async () => (await real.inspect('k'))?.owner, { timeout: 6_000 }).toBeNull()
  })
})

describe('cleaning up after an unheard sending', () => {
  test('never frees what the same call is granted later', { timeout: 15_000 }, async () => {
    let sends = 0
    const { real, store } = changedStore((real) => ({
      tryAcquire: (request) => (sends++ === 0 ? unanswered() : real.tryAcquire(request)),
      async abandon(key, attempt) {
        // Carried out late, too: after the next try.
        await sleep(700)
        return real.abandon(key, attempt)
      },
    }))
    await real.tryAcquire({ key: 'k', owner: 'other', attempt: 'other', ttlUs: 300_000, heldBy: 't' })
    const lock = new LockFactory(store).createLock('k', '30s')
    expect(await lock.acquire()).toBe(true)
    for (const waitMs of [1_500, 5_500]) {
      await sleep(waitMs)
      expect((await real.inspect('k'))?.owner).toBe(lock.getOwner())
    }
    await lock.release()
  })
})

describe('closing', () => {
  test('waits for tries under way, and gives back what they take', async () => {
    const { real, store } = changedStore((real) => ({
      async tryAcquire(request) {
        await sleep(30)
        return real.tryAcquire(request)
      },
    }))
    const locks = new LockFactory(store)
    const taken = locks.createLock('k', null).acquire()
    taken.catch(() => {})
    await sleep(5)
    await locks.close()
    await rejection(taken, 'E_CLOSED')
    expect((await real.inspect('k'))?.owner).toBeNull()
  })

  test('waits for a database that comes back, and gives back then what was taken unheard', async () => {
    let isDown = false
    const { real, store } = changedStore((real) => ({
      async tryAcquire(request) {
        if (isDown) return unreachable()
        await real.tryAcquire(request)
        isDown = true
        return unanswered()
      },
      abandon: (key, attempt) => (isDown ? unreachable() : real.abandon(key, attempt)),
    }))
    const locks = new LockFactory(store)
    await rejection(locks.createLock('k', null).acquireImmediately(), 'E_LOCK_STORAGE_ERROR')
    setTimeout(() => {
      isDown = false
    }, 1_000)
    await locks.close()
    expect((await real.inspect('k'))?.owner).toBeNull()
  })

  test('waits for a database that comes back, and releases then what is held', async () => {
    let isDown = false
    const { real, store } = changedStore((real) => ({
      release: (hold) => (isDown ? unreachable() : real.release(hold)),
    }))
    const locks = new LockFactory(store)
    await locks.createLock('k', null).acquire()
    isDown = true
    setTimeout(() => {
      isDown = false
    }, 1_000)
    await locks.close()
    expect((await real.inspect('k'))?.owner).toBeNull()
  })

  test('gives up after five seconds where the database stays away', { timeout: 20_000 }, async () => {
    const { store } = changedStore(() => ({ release: unreachable }))
    const locks = new LockFactory(store)
    await locks.createLock('k', null).acquire()
    const startMs = performance.now()
    await locks.close()
    expect(performance.now() - startMs).toBeLessThan(7_000)
  })

  test('aborts signals that are looked at later, too', async () => {
    const locks = new LockFactory(memoryStore())
    const running = locks.createLock('k').run(async (context) => {
      await sleep(50)
      return context.signal.aborted
    })
    await sleep(10)
    await locks.close()
    expect(await running).toEqual([true, true])
  })

  test('does not wait for a store that never closes', { timeout: 12_000 }, async () => {
    const { store } = changedStore(() => ({ close: () => never }))
    const startMs = performance.now()
    await new LockFactory(store).close()
    expect(performance.now() - startMs).toBeLessThan(6_000)
  })
})

describe('a grant that came too late', () => {
  test('is given back', async () => {
    const { real, store } = changedStore((real) => ({
      async tryAcquire(request) {
        const outcome = await real.tryAcquire(request)
        await sleep(120)
        return outcome
      },
    }))
    await rejection(new LockFactory(store).createLock('k', 100).acquireImmediately(), 'E_LOCK_LOST')
    await sleep(5)
    expect((await real.inspect('k'))?.owner).toBeNull()
  })
})
