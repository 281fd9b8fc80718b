import { expect, test } from 'vitest'
import type { SuiteContext } from './suite-context.ts'
import { requestFor, take } from './taking.ts'

const MINUTE_US = 60_000_000

/** What is written down at the end of a run of `runOncePer`. */
export function runRecords(context: SuiteContext): void {
  test('a key that never ran has no last run, nor has one that was only locked', async () => {
    const store = context.open.store()
    expect(await store.lastRun(context.key())).toBeNull()
    const hold = await take(store, requestFor(context.key()))
    expect(await store.lastRun(hold.key)).toBeNull()
    await store.release(hold)
    expect(await store.lastRun(hold.key)).toBeNull()
  })

  test('keeps the key until a period after the run began, and says who ran, when, and how it ended', async () => {
    const store = context.open.store()
    const hold = await take(store, requestFor(context.key(), { heldBy: 'worker 7' }))
    await context.open.pass(20_000)
    expect(await store.finishRun(hold, { periodUs: MINUTE_US, hasFailed: false })).toBe(true)
    const state = await store.inspect(hold.key)
    expect(state?.owner).toBe(hold.owner)
    expect(state?.token).toBeGreaterThan(hold.token)
    expect(state?.remainingUs).toBeLessThanOrEqual(40_000_000)
    expect(state?.remainingUs).toBeGreaterThan(35_000_000)
    const run = await context.open.store().lastRun(hold.key)
    expect(run).toMatchObject({ token: hold.token, heldBy: 'worker 7', hasFailed: false })
    expect(run?.endedAtUs).toBeLessThanOrEqual(Number(state?.nowUs))
    expect(run?.endedAtUs).toBeGreaterThan(Number(state?.nowUs) - 5_000_000)
    const longUs = Number(run?.endedAtUs) - Number(run?.startedAtUs)
    if (context.backend.family !== 'memory') expect(longUs).toBeGreaterThanOrEqual(20_000_000)
    expect(longUs).toBeLessThan(25_000_000)
    expect((await store.tryAcquire(requestFor(hold.key))).granted).toBe(false)
    await context.open.pass(41_000)
    const next = await take(store, requestFor(hold.key))
    expect(await store.lastRun(hold.key)).toMatchObject({ token: hold.token })
    expect(await store.finishRun(next, { periodUs: MINUTE_US, hasFailed: true })).toBe(true)
    expect(await store.lastRun(hold.key)).toMatchObject({ token: next.token, hasFailed: true })
  })

  test('without a period the key is free at once, for anybody', async () => {
    const store = context.open.store()
    const request = requestFor(context.key())
    const hold = await take(store, request)
    expect(await store.finishRun(hold, { periodUs: null, hasFailed: true })).toBe(true)
    expect(await store.inspect(hold.key)).toMatchObject({ owner: null, remainingUs: 0 })
    expect(await store.lastRun(hold.key)).toMatchObject({ token: hold.token, hasFailed: true })
    expect(await store.finishRun(hold, { periodUs: null, hasFailed: false })).toBe(false)
    expect(await store.abandon(hold.key, request.attempt)).toBe(false)
    expect(await store.lastRun(hold.key)).toMatchObject({ hasFailed: true })
    await take(store, requestFor(hold.key))
  })

  test('nothing that was on its way under the hold changes the end of the period', async () => {
    const store = context.open.store()
    const request = requestFor(context.key())
    const hold = await take(store, request)
    const end = { periodUs: MINUTE_US, hasFailed: false }
    expect(await store.finishRun(hold, end)).toBe(true)
    expect(await store.finishRun(hold, { ...end, hasFailed: true })).toBe(false)
    expect(await store.extendAll([{ hold, ttlUs: 1_000 }], 10_000)).toEqual([{ kind: 'lost' }])
    expect(await store.extend(hold, 1_000)).toBeNull()
    expect(await store.release(hold)).toBe(false)
    expect(await store.abandon(hold.key, request.attempt)).toBe(false)
    expect((await store.tryAcquire(request)).granted).toBe(false)
    expect((await store.inspect(hold.key))?.remainingUs).toBeGreaterThan(50_000_000)
    expect(await store.lastRun(hold.key)).toMatchObject({ token: hold.token, hasFailed: false })
  })

  test('a run that took longer than its period leaves the key free', async () => {
    const store = context.open.store()
    const hold = await take(store, requestFor(context.key()))
    await context.open.pass(10)
    expect(await store.finishRun(hold, { periodUs: 5_000, hasFailed: false })).toBe(true)
    expect(await store.inspect(hold.key)).toMatchObject({ remainingUs: 0 })
    if (context.backend.family !== 'memory') {
      // The sweep relies on it: what has ended just now has not been free for long.
      const row = (await context.open.rows()).find(({ key }) => key === hold.key)
      expect(Number(row?.expiresAt)).toBeGreaterThanOrEqual(Number((await store.lastRun(hold.key))?.endedAtUs))
    }
    await take(store, requestFor(hold.key))
  })

  test('needs key, owner and token to match, and writes nothing else', async () => {
    const store = context.open.store()
    const hold = await take(store, requestFor(context.key()))
    const neighbour = await take(store, requestFor(context.key(), { owner: hold.owner }))
    const strangers = [
      { ...hold, owner: 'stranger' },
      { ...hold, token: hold.token + 1 },
      { ...hold, key: context.key() },
    ]
    for (const periodUs of [null, MINUTE_US]) {
      for (const stranger of strangers) {
        expect(await store.finishRun(stranger, { periodUs, hasFailed: false })).toBe(false)
        expect(await store.lastRun(hold.key)).toBeNull()
        expect((await store.inspect(hold.key))?.owner).toBe(hold.owner)
      }
    }
    if (context.backend.family !== 'memory') await context.open.setToken(neighbour.key, hold.token)
    expect(await store.finishRun(hold, { periodUs: null, hasFailed: false })).toBe(true)
    expect(await store.lastRun(neighbour.key)).toBeNull()
    expect((await store.inspect(neighbour.key))?.owner).toBe(hold.owner)
  })

  test('an expired hold that nobody took can still say how it ended; one that was taken over cannot', async () => {
    const store = context.open.store()
    const hold = await take(store, requestFor(context.key(), { ttlUs: 10_000_000 }))
    await context.open.pass(11_000)
    expect(await store.finishRun(hold, { periodUs: null, hasFailed: false })).toBe(true)
    const second = await take(store, requestFor(hold.key, { ttlUs: 10_000_000 }))
    await context.open.pass(11_000)
    await take(store, requestFor(hold.key))
    expect(await store.finishRun(second, { periodUs: null, hasFailed: false })).toBe(false)
    expect(await store.lastRun(hold.key)).toMatchObject({ token: hold.token })
  })

  test('the record outlives releases, grants, hand-overs and extensions of the key', async () => {
    const store = context.open.store()
    const hold = await take(store, requestFor(context.key()))
    await store.finishRun(hold, { periodUs: null, hasFailed: false })
    const run = await store.lastRun(hold.key)
    const next = await take(store, requestFor(hold.key))
    await store.extend(next, 60_000_000)
    await store.want(next.key)
    await store.handOver(next, requestFor(hold.key))
    await store.forceRelease(hold.key)
    expect(await store.lastRun(hold.key)).toEqual(run)
  })
}
