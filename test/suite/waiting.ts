import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { rejection } from './rejection.ts'
import type { SuiteContext } from './suite-context.ts'

/** G13: a freed key is granted on a wake-up, else within `delay`; a crashed holder's within its TTL and one `delay`. G14: in order. */
export function waiting(context: SuiteContext): void {
  test('a waiter hears of a release in another process long before its delay, where the store can hear', async ({
    skip,
  }) => {
    const { open, backend } = context
    // Two factories on one connection are no two processes: what one writes does not look new to the other.
    const isShared = backend.family === 'sqlite' && open.address === undefined
    // It only hears that a holder is gone.
    const isDeaf = backend.family === 'mysql' && backend.hasPresence
    if (!open.store().wakeSource || isShared || isDeaf) return skip('nothing is heard of other processes')
    const key = context.key()
    const holder = open.factory().createLock(key)
    const factory = open.factory()
    await holder.acquire()
    // Counted tries: else it would look often at first, and find it out by itself.
    const granted = factory.createLock(key).acquire({ retry: { delay: '1m', attempts: 5 } })
    await sleep(1_000)
    await holder.release()
    expect(await Promise.race([granted, sleep(5_000, 'waits')])).toBe(true)
    await factory.close()
  })

  test('the waiters of one process are served in the order in which they came', async () => {
    const key = context.key()
    const factory = context.open.factory()
    const holder = factory.createLock(key)
    await holder.acquire()
    const served: number[] = []
    const waiting = [0, 1, 2, 3, 4, 5].map((place) => factory.createLock(key).run(() => served.push(place)))
    await sleep(50)
    await holder.release()
    await Promise.all(waiting)
    expect(served).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('a waiter gets the key within one delay of its release', async () => {
    const key = context.key()
    const holder = context.open.factory().createLock(key)
    const waiter = context.open.factory().createLock(key)
    await holder.acquire()
    const granted = waiter.acquire({ retry: { delay: 200 } }).then(() => performance.now())
    await sleep(100)
    await holder.release()
    const releasedMs = performance.now()
    expect((await granted) - releasedMs).toBeLessThan(200 + 1_500)
    await waiter.release()
  })

  test("a waiter gets a crashed holder's key within its TTL and one delay", async () => {
    const key = context.key()
    const crashed = context.open.factory().createLock(key, 700)
    const waiter = context.open.factory().createLock(key)
    await crashed.acquire()
    const startMs = performance.now()
    expect(await waiter.acquire({ retry: { delay: 5_000 } })).toBe(true)
    const waitedMs = performance.now() - startMs
    expect(waitedMs).toBeGreaterThan(500)
    expect(waitedMs).toBeLessThan(700 + 800)
  })

  test('timeout bounds the whole call, attempts the tries, and both answer false', async () => {
    const key = context.key()
    await context.open.factory().createLock(key).acquire()
    const waiter = context.open.factory().createLock(key)
    const startMs = performance.now()
    expect(await waiter.acquire({ retry: { timeout: 300, delay: 10_000 } })).toBe(false)
    const waitedMs = performance.now() - startMs
    expect(waitedMs).toBeGreaterThan(250)
    expect(waitedMs).toBeLessThan(700)
    expect(await waiter.acquire({ retry: { attempts: 3, delay: 1 } })).toBe(false)
  })

  test('a signal ends the wait with its reason, and nothing stays taken', async () => {
    const key = context.key()
    const holder = context.open.factory().createLock(key)
    const waiter = context.open.factory().createLock(key)
    await holder.acquire()
    const controller = new AbortController()
    const reason = new Error('changed my mind')
    const waited = waiter.acquire({ signal: controller.signal })
    setTimeout(() => controller.abort(reason), 50)
    await expect(waited).rejects.toBe(reason)
    await expect(waiter.acquire({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await expect(waiter.run(() => 1, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await expect(waiter.hold({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await holder.release()
    // A try of the waiter's may be on its way back.
    await expect.poll(() => holder.isLocked(), { timeout: 3_000 }).toBe(false)
  })

  test('acquires aborted while their statement is under way leave nothing taken', async () => {
    const factory = context.open.factory()
    const names = Array.from({ length: 30 }, () => context.key())
    const tries = names.map((key, index) => {
      const controller = new AbortController()
      const taken = factory.createLock(key, null).acquire({ signal: controller.signal })
      if (index % 3 === 0) controller.abort()
      else if (index % 3 === 1) queueMicrotask(() => controller.abort())
      else setTimeout(() => controller.abort(), index / 10)
      return taken.then(
        () => true,
        () => false,
      )
    })
    const outcomes = await Promise.all(tries)
    // A lock without a TTL that was not given back would stay for good.
    for (const [index, key] of names.entries()) {
      await expect
        .poll(() => factory.createLock(key).isLocked(), { timeout: 5_000, message: String(index) })
        .toBe(outcomes[index])
    }
  })

  test('closing ends the wait with E_CLOSED, grants nothing more, and releases what is held', async ({ skip }) => {
    if (context.backend.hasPresence) return skip('nothing can be handed over')
    const key = context.key()
    const other = context.open.factory()
    const held = other.createLock(context.key(), null)
    const handedOver = other.createLock(context.key(), null)
    await held.acquire()
    await handedOver.acquire()
    handedOver.serialize()
    const factory = context.open.factory()
    const holder = factory.createLock(key)
    await holder.acquire()
    const waiting = other.createLock(key).acquire()
    waiting.catch(() => {})
    await sleep(20)
    await other.close()
    await rejection(waiting, 'E_CLOSED')
    await rejection(other.createLock(key).acquire(), 'E_CLOSED')
    await rejection(
      other.createLock(key).run(() => 1),
      'E_CLOSED',
    )
    expect(await factory.createLock(held.key).isLocked()).toBe(false)
    expect(await factory.createLock(handedOver.key).isLocked()).toBe(true)
    await factory[Symbol.asyncDispose]()
    await factory.close()
  })

  const costsFiveSeconds = context.backend.family === 'memory'
  test.runIf(costsFiveSeconds)(
    'closing does not release the lease of work that goes on, but everything else',
    async () => {
      const factory = context.open.factory()
      const idle = factory.createLock(context.key(), null)
      const busy = factory.createLock(context.key(), null)
      await idle.acquire()
      const begun = Promise.withResolvers<void>()
      const end = Promise.withResolvers<void>()
      const running = busy.run(() => {
        begun.resolve()
        return end.promise
      })
      await begun.promise
      await factory.close()
      const observer = context.open.factory()
      expect(await observer.createLock(idle.key).isLocked()).toBe(false)
      expect(await observer.createLock(busy.key).isLocked()).toBe(true)
      end.resolve()
      await running
      expect(await observer.createLock(busy.key).isLocked()).toBe(false)
    },
  )

  test('closing waits for the work in progress, whose signal aborts', async () => {
    const factory = context.open.factory()
    const lock = factory.createLock(context.key())
    let reason: { code?: string } | undefined
    const begun = Promise.withResolvers<void>()
    const running = lock.run(async ({ signal }) => {
      begun.resolve()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      reason = signal.reason
      await sleep(50)
      return 'finished'
    })
    await begun.promise
    await factory.close()
    expect(await running).toEqual([true, 'finished'])
    expect(reason?.code).toBe('E_CLOSED')
  })
}
