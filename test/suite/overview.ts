import { expect, test } from 'vitest'
import type { ListOptions, LockFactory, LockInfo } from '../../src/index.ts'
import { rejection } from './rejection.ts'
import type { SuiteContext } from './suite-context.ts'
import { requestFor, take } from './taking.ts'

/** What keys can end with, in the order of their bytes: whatever SQL, JSON, a charset or a collation could take for something else. */
const ODD = ['', ' ', '%', "'", '*', 'A', 'B', '\\', '_', 'a', 'a ', 'a%', 'a_', 'b', '\u007f', 'é', '\uffee', '😀']

/** What people can look at. */
export function overview(context: SuiteContext): void {
  let lister: LockFactory | undefined
  const listAll = async (options: ListOptions) => {
    const locks: LockInfo[] = []
    const sizes: number[] = []
    lister ??= context.open.factory()
    for (let after: string | null = ''; after !== null; ) {
      const page = await lister.list({ ...options, after })
      locks.push(...page.locks)
      sizes.push(page.locks.length)
      after = page.nextAfter
    }
    return { locks, sizes, keys: locks.map(({ key }) => key) }
  }

  test('inspect tells who holds a key, since when, for how long, and how often it was extended', async () => {
    const factory = context.open.factory({ label: 'worker 7' })
    const lock = factory.createLock(context.key(), '30s')
    expect(await factory.inspect(lock.key)).toBeNull()
    await lock.acquire()
    await context.open.pass(10_000)
    const info = await factory.inspect(lock.key)
    expect(info).toMatchObject({ key: lock.key, isHeld: true, heldBy: 'worker 7', token: lock.fencingToken })
    expect(info).toMatchObject({ renewals: 0, isWanted: false })
    const { acquiredAt, heldMs, expiresAt, remainingMs } = info as LockInfo
    expect(remainingMs).toBeGreaterThan(15_000)
    expect(remainingMs).toBeLessThanOrEqual(20_001)
    if (context.backend.family !== 'memory') {
      expect(heldMs).toBeGreaterThanOrEqual(9_999)
      expect(Number(expiresAt) - Number(acquiredAt)).toBeGreaterThanOrEqual(29_998)
      expect(Number(expiresAt) - Number(acquiredAt)).toBeLessThanOrEqual(30_002)
      // The database's own clock is that of this machine.
      expect(Math.abs(Number(expiresAt) - Date.now() - Number(remainingMs))).toBeLessThan(60_000)
    }
    expect(JSON.stringify([info, await factory.list({ prefix: lock.key })])).not.toContain(lock.getOwner())
    await lock.extend(null)
    expect(await factory.inspect(lock.key)).toMatchObject({ isHeld: true, expiresAt: null, remainingMs: null })
    await lock.release()
    expect(await factory.inspect(lock.key)).toEqual({
      ...{ key: lock.key, isHeld: false, heldBy: null, token: info?.token },
      ...{ acquiredAt: null, heldMs: null, expiresAt: null, remainingMs: 0, renewals: 0, isWanted: false },
    })
  })

  test('a lease that is over is free, for inspect and in a list', async () => {
    const factory = context.open.factory()
    const lock = factory.createLock(context.key(), '10s')
    await lock.acquire()
    await context.open.pass(11_000)
    expect(await factory.inspect(lock.key)).toMatchObject({ isHeld: false, heldBy: null, remainingMs: 0 })
    const states = ['held', 'free', 'all'] as const
    const found = await Promise.all(states.map(async (state) => (await listAll({ prefix: lock.key, state })).keys))
    expect(found).toEqual([[], [lock.key], [lock.key]])
  })

  test('renewals count extensions by hand and renewals, and begin anew with every hold', async () => {
    const store = context.open.store()
    const renewals = async (key: string) => {
      const { locks } = await context.open.factory().list({ prefix: key })
      expect((await context.open.factory().inspect(key))?.renewals).toBe(locks[0]?.renewals)
      return locks[0]?.renewals
    }
    const request = requestFor(context.key())
    const hold = await take(store, request)
    const neighbour = await take(store, requestFor(context.key()))
    expect(await renewals(hold.key)).toBe(0)
    await store.extend(hold, 60_000_000)
    expect(await renewals(hold.key)).toBe(1)
    await store.extend(hold, 60_000_000)
    expect(await renewals(hold.key)).toBe(2)
    for (const both of [hold, neighbour]) await store.extendAll([{ hold: both, ttlUs: 60_000_000 }], 10_000)
    await store.extendAll(
      [hold, neighbour].map((one) => ({ hold: one, ttlUs: null })),
      10_000,
    )
    expect(await renewals(hold.key)).toBe(4)
    expect(await renewals(neighbour.key)).toBe(2)
    await store.extend({ ...hold, token: hold.token + 1 }, 60_000_000)
    await store.extend({ ...hold, owner: 'stranger' }, 60_000_000)
    expect(await renewals(hold.key)).toBe(4)
    expect((await take(store, request)).token).toBe(hold.token)
    expect(await renewals(hold.key)).toBe(4)
    const heir = requestFor(hold.key)
    const handed = await store.handOver(hold, heir)
    expect(await renewals(hold.key)).toBe(0)
    const next = { ...heir, token: handed.granted ? handed.token : 0 }
    await store.extend(next, 60_000_000)
    expect(await renewals(hold.key)).toBe(1)
    await store.release(next)
    await take(store, requestFor(hold.key))
    expect(await renewals(hold.key)).toBe(0)
  })

  test('shows the mark of those who wait, as long as it is held', async () => {
    const store = context.open.store()
    const factory = context.open.factory()
    const hold = await take(store, requestFor(context.key()))
    await store.want(hold.key)
    expect(await factory.inspect(hold.key)).toMatchObject({ isWanted: true })
    expect((await factory.list({ prefix: hold.key })).locks).toMatchObject([{ isWanted: true }])
    await store.release(hold)
    expect(await factory.inspect(hold.key)).toMatchObject({ isWanted: false })
  })

  test('a list is in the order of bytes, and a prefix is nothing but bytes', async () => {
    const store = context.open.store()
    const prefix = context.key()
    for (const odd of [...ODD].reverse()) await take(store, requestFor(prefix + odd))
    expect((await listAll({ prefix })).keys).toEqual(ODD.map((odd) => prefix + odd))
    for (const odd of ODD) {
      const expected = ODD.filter((other) => other.startsWith(odd)).map((other) => prefix + other)
      expect((await listAll({ prefix: prefix + odd, limit: 2 })).keys).toEqual(expected)
    }
    expect((await listAll({ prefix: `${prefix}%%` })).keys).toEqual([])
    expect((await listAll({ prefix: prefix.toUpperCase() })).keys).toEqual([])
  })

  test('pages of any size show every key once, and the last one says so', async () => {
    const store = context.open.store()
    const prefix = context.key()
    const keys = Array.from({ length: 10 }, (_, n) => `${prefix}:${n}`)
    for (const key of keys) await take(store, requestFor(key))
    for (const limit of [1, 3, 5, 9, 10, 11, 10_000]) {
      const { keys: found, sizes } = await listAll({ prefix, limit })
      expect(found).toEqual(keys)
      expect(sizes).toHaveLength(Math.ceil(10 / limit))
    }
    const factory = context.open.factory()
    const page = await factory.list({ prefix, after: `${prefix}:4`, limit: 2 })
    expect(page).toMatchObject({ locks: [{ key: `${prefix}:5` }, { key: `${prefix}:6` }], nextAfter: `${prefix}:6` })
    expect(await factory.list({ prefix, after: `${prefix}:44`, limit: 5 })).toMatchObject({ nextAfter: null })
    expect(await factory.list({ prefix, after: `${prefix}~` })).toEqual({ locks: [], nextAfter: null })
    expect((await factory.list({ prefix, after: 'A' })).locks).toHaveLength(10)
  })

  // The memory store removes what is free by itself.
  test.skipIf(context.backend.family === 'memory')(
    'finds what is held among thousands that are free',
    { timeout: 30_000 },
    async () => {
      const store = context.open.store()
      const prefix = context.key()
      const keys = Array.from({ length: 2_100 }, (_, n) => `${prefix}:${String(n).padStart(4, '0')}`)
      await context.open.addFree(keys, 60_000)
      const held = [0, 999, 1_000, 2_099].map((n) => keys[n]!)
      for (const key of held) await take(store, requestFor(key))
      for (const limit of [1, 2, 100]) expect((await listAll({ prefix, limit })).keys).toEqual(held)
      let hasGoneOn = false
      setTimeout(() => {
        hasGoneOn = true
      })
      await listAll({ prefix })
      expect(hasGoneOn).toBe(true)
      expect((await listAll({ prefix, state: 'free', limit: 10_000 })).keys).toHaveLength(2_096)
      const { keys: all, sizes } = await listAll({ prefix, state: 'all', limit: 700 })
      expect(all).toEqual(keys)
      expect(sizes).toEqual([700, 700, 700])
    },
  )

  test('what cannot work is refused', async () => {
    const factory = context.open.factory()
    // biome-ignore lint/suspicious/noExplicitAny: what is not typed right is what is tested
    const refused: any[] = [
      { prefix: 7 },
      { prefix: 'a\0' },
      { prefix: '\ud800' },
      { prefix: 'x'.repeat(1_025) },
      { after: null },
      { after: '\udc00' },
      { state: 'taken' },
      { limit: 0 },
      { limit: 1.5 },
      { limit: 10_001 },
      { limit: '5' },
      { limits: 5 },
      null,
      [],
    ]
    for (const options of refused) await rejection(factory.list(options), 'E_INVALID_OPTION')
    await rejection(factory.inspect(''), 'E_INVALID_KEY')
  })
}
