import { expect, test } from 'vitest'
import type { LeaseRequest, LockStore } from '../../src/index.ts'
import type { SuiteContext } from './suite-context.ts'

/** G6: every question may be sent again; what is recognised is the attempt, not just the owner. */
export function knownOutcome(context: SuiteContext): void {
  const request = (over: Partial<LeaseRequest> = {}): LeaseRequest => ({
    key: context.key(),
    owner: 'owner-1',
    attempt: 'attempt-1',
    ttlUs: 30_000_000,
    heldBy: 'test',
    ...over,
  })
  const granted = async (store: LockStore, asked: LeaseRequest) => {
    const outcome = await store.tryAcquire(asked)
    if (!outcome.granted) return expect.fail('refused')
    return { key: asked.key, owner: asked.owner, token: outcome.token }
  }

  test('the same attempt again finds its own hold: the same token, for at least the TTL', async () => {
    const store = context.open.store()
    const asked = request()
    const first = await granted(store, asked)
    await store.extend(first, 10_000_000)
    expect(await granted(store, asked)).toEqual(first)
    const { remainingUs } = (await store.inspect(asked.key)) ?? {}
    expect(Number(remainingUs)).toBeGreaterThan(25_000_000)
    expect(Number(remainingUs)).toBeLessThanOrEqual(30_001_000)
    expect(await store.release(first)).toBe(true)
  })

  test('an earlier sending that is carried out late does not end an extended hold', async () => {
    const store = context.open.store()
    const asked = request()
    const hold = await granted(store, asked)
    await store.extend(hold, 90_000_000)
    expect(await granted(store, asked)).toEqual(hold)
    expect(Number((await store.inspect(asked.key))?.remainingUs)).toBeGreaterThan(80_000_000)
    await store.extend(hold, null)
    expect(await granted(store, asked)).toEqual(hold)
    expect(await store.inspect(asked.key)).toMatchObject({ remainingUs: null })
  })

  test('the same attempt, when its lease has run out, is granted anew', async () => {
    const store = context.open.store()
    const asked = request({ ttlUs: 10_000_000 })
    const first = await granted(store, asked)
    await context.open.pass(11_000)
    const again = await granted(store, asked)
    expect(again.token).toBeGreaterThan(first.token)
    expect(Number((await store.inspect(asked.key))?.remainingUs)).toBeLessThanOrEqual(10_001_000)
    expect(await store.release(first)).toBe(false)
    expect(await store.release(again)).toBe(true)
  })

  test('another attempt of the same owner is refused', async () => {
    const store = context.open.store()
    const asked = request()
    await granted(store, asked)
    const other = await store.tryAcquire({ ...asked, attempt: 'attempt-2' })
    expect(other.granted).toBe(false)
    if (!other.granted) expect(other.freeInUs).toBeGreaterThan(25_000_000)
  })

  test('an attempt that was given up is found by its id and freed, and no other', async () => {
    const store = context.open.store()
    const asked = request()
    const hold = await granted(store, asked)
    await store.abandon(asked.key, 'attempt-2')
    expect((await store.inspect(asked.key))?.owner).toBe('owner-1')
    await store.abandon(asked.key, 'attempt-1')
    await store.abandon(asked.key, 'attempt-1')
    expect((await store.inspect(asked.key))?.owner).toBeNull()
    expect(await store.release(hold)).toBe(false)
  })

  test('giving up an attempt frees only its own key', async () => {
    const store = context.open.store()
    const one = request()
    const two = request()
    await granted(store, one)
    await granted(store, two)
    await store.abandon(one.key, 'attempt-1')
    expect((await store.inspect(two.key))?.owner).toBe('owner-1')
  })

  test('extend and release need key, owner and token to match', async () => {
    const store = context.open.store()
    const asked = request()
    const hold = await granted(store, asked)
    const strangers = [
      { ...hold, owner: 'owner-2' },
      { ...hold, token: hold.token + 1 },
      { ...hold, token: hold.token - 1 },
      { ...hold, key: context.key() },
    ]
    for (const stranger of strangers) {
      expect(await store.extend(stranger, 60_000_000)).toBeNull()
      expect(await store.release(stranger)).toBe(false)
    }
    const before = Number((await store.inspect(asked.key))?.remainingUs)
    expect(before).toBeLessThanOrEqual(30_001_000)
    const neighbour = await granted(store, request({ key: `${asked.key}:2`, owner: hold.owner }))
    expect(await store.extend(hold, 60_000_000)).toBeGreaterThan(hold.token - 1)
    expect(await store.extend(hold, 60_000_000)).toBeGreaterThan(0)
    expect(Number((await store.inspect(neighbour.key))?.remainingUs)).toBeLessThanOrEqual(30_001_000)
    expect(await store.release(hold)).toBe(true)
    expect(await store.release(hold)).toBe(false)
    expect((await store.inspect(neighbour.key))?.owner).toBe(hold.owner)
  })

  test('holds with one owner and token on two keys do not answer for each other', async () => {
    if (context.backend.family === 'memory') return
    const store = context.open.store()
    const one = await granted(store, request())
    const two = await granted(store, request())
    await context.open.setToken(two.key, one.token)
    expect(await store.extend(one, 90_000_000)).not.toBeNull()
    expect(Number((await store.inspect(two.key))?.remainingUs)).toBeLessThanOrEqual(30_001_000)
    expect(await store.release(one)).toBe(true)
    expect((await store.inspect(two.key))?.owner).toBe('owner-1')
    expect(await store.forceRelease(one.key)).toBe(false)
    expect((await store.inspect(two.key))?.owner).toBe('owner-1')
  })

  test('a forced release frees its own key only', async () => {
    const store = context.open.store()
    const one = await granted(store, request())
    const two = await granted(store, request())
    expect(await store.forceRelease(one.key)).toBe(true)
    expect(await store.forceRelease(one.key)).toBe(false)
    expect((await store.inspect(two.key))?.owner).toBe('owner-1')
  })

  test('a forced release fences out a hold that has expired, too', async () => {
    const store = context.open.store()
    const asked = request({ ttlUs: 10_000_000 })
    const hold = await granted(store, asked)
    await context.open.pass(11_000)
    expect(await store.forceRelease(asked.key)).toBe(true)
    expect(await store.release(hold)).toBe(false)
  })

  test('what a store knows of a key: owner, token, remaining time, and its clock', async () => {
    const store = context.open.store()
    const asked = request()
    expect(await store.inspect(asked.key)).toBeNull()
    const hold = await granted(store, asked)
    const held = await store.inspect(asked.key)
    expect(held).toMatchObject({ owner: 'owner-1', token: hold.token })
    if (context.backend.family !== 'memory') {
      // The servers of the tests run on this machine, so that the clocks agree.
      expect(Math.abs(Number(held?.nowUs) / 1000 - Date.now())).toBeLessThan(2_000)
    }
    await context.open.pass(40_000)
    expect(await store.inspect(asked.key)).toMatchObject({ owner: 'owner-1', token: hold.token, remainingUs: 0 })
    await store.release(hold)
    expect(await store.inspect(asked.key)).toMatchObject({ owner: null, token: hold.token, remainingUs: 0 })
    const endless = await granted(store, { ...asked, attempt: 'attempt-3', ttlUs: null })
    expect(await store.inspect(asked.key)).toMatchObject({ token: endless.token, remainingUs: null })
    expect(await store.tryAcquire({ ...asked, attempt: 'attempt-4' })).toMatchObject({ granted: false, freeInUs: null })
  })
}
