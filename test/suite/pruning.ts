import { expect, test } from 'vitest'
import type { PruneProgress } from '../../src/index.ts'
import { rejection } from './rejection.ts'
import type { SuiteContext } from './suite-context.ts'
import { requestFor, take } from './taking.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Removing what has been free for long, when somebody asks for it. */
export function pruning(context: SuiteContext): void {
  const taken = async (ttlUs: number | null = 30_000_000) =>
    take(context.open.store(), requestFor(context.key(), { ttlUs }))
  const released = async () => {
    const store = context.open.store()
    const hold = await take(store, requestFor(context.key()))
    await store.release(hold)
    return hold
  }
  const isThere = async (key: string) => (await context.open.factory().inspect(key)) !== null

  test('removes what has been free for an hour: released, or run out; nothing else', { timeout: 30_000 }, async () => {
    const store = context.open.store()
    const factory = context.open.factory()
    const gone = [await released(), await taken()]
    const ran = await taken()
    await store.finishRun(ran, { periodUs: null, hasFailed: false })
    const held = [await taken(null), await taken(5 * HOUR_MS * 1_000)]
    await context.open.pass(HOUR_MS + 40_000)
    const later = await released()
    const { removed } = await factory.prune()
    expect(removed).toBeGreaterThanOrEqual(2)
    for (const { key } of gone) expect(await isThere(key)).toBe(false)
    for (const { key } of [...held, later, ran]) expect(await isThere(key)).toBe(true)
    expect(await store.lastRun(ran.key)).toMatchObject({ token: ran.token })
    // It comes back with a higher token, and its old holder can do nothing.
    const [again] = gone
    const next = await take(store, requestFor(again!.key))
    expect(next.token).toBeGreaterThan(again!.token)
    expect(await store.release(again!)).toBe(false)
  })

  test('a retention of its own', { timeout: 30_000 }, async () => {
    const hold = await released()
    await context.open.pass(100_000)
    const factory = context.open.factory()
    await factory.prune({ retention: '2m' })
    expect(await isThere(hold.key)).toBe(true)
    await factory.prune({ retention: 60_000 })
    expect(await isThere(hold.key)).toBe(false)
    const kept = await released()
    await context.open.pass(DAY_MS)
    await factory.prune({ retention: '2d' })
    expect(await isThere(kept.key)).toBe(true)
  })

  test('a row that was used since the look stays, however long ago that is by now', async () => {
    const store = context.open.store()
    const [used, idle] = [await released(), await released()]
    await context.open.pass(2 * HOUR_MS)
    const { portions, freeSinceUs } = await store.findOld('', HOUR_MS * 1_000)
    expect(portions.flat()).toEqual(expect.arrayContaining([used.key, idle.key]))
    await store.release(await take(store, requestFor(used.key)))
    const removed = await store.removeOld([used.key, idle.key], freeSinceUs)
    // A grant in a few hundred is followed by a sweep, which may have been there first.
    expect(removed).toBeLessThanOrEqual(1)
    expect(await isThere(used.key)).toBe(true)
    expect(await isThere(idle.key)).toBe(false)
  })

  test('goes through pages, tells how far it has come, and can be ended', { timeout: 30_000 }, async () => {
    const factory = context.open.factory()
    const isMemory = context.backend.family === 'memory'
    const prefix = context.key()
    const keys = Array.from({ length: 1_234 }, (_, n) => `${prefix}:${n}`)
    const left = async () => (await factory.list({ prefix, state: 'free', limit: 10_000 })).locks.length
    await factory.prune()
    await context.open.addFree(keys, 2 * HOUR_MS)
    if (!isMemory) {
      const reason = new Error('stopped')
      const ending = new AbortController()
      await expect(factory.prune({ signal: ending.signal, onProgress: () => ending.abort(reason) })).rejects.toBe(
        reason,
      )
      await expect(factory.prune({ signal: ending.signal })).rejects.toBe(reason)
    }
    const before = await left()
    // The memory store removes what is free by itself, too.
    if (!isMemory) expect(before).toBeGreaterThan(700)
    const heard: PruneProgress[] = []
    const { removed } = await factory.prune({ onProgress: (progress) => heard.push(progress) })
    expect(removed).toBeGreaterThanOrEqual(before)
    if (!isMemory) expect(removed).toBe(before)
    expect(heard.at(-1)).toMatchObject({ removed })
    expect(heard.at(-1)?.looked).toBeGreaterThanOrEqual(before)
    expect(heard).toHaveLength(isMemory ? 1 : Math.floor((heard.at(-1)?.looked ?? 0) / 500) + 1)
    expect(await left()).toBe(0)
    const thrown = new Error('thrown')
    const onProgress = () => {
      throw thrown
    }
    await expect(factory.prune({ onProgress })).rejects.toBe(thrown)
    await factory.close()
    await rejection(factory.prune(), 'E_CLOSED')
  })

  test('what cannot work is refused', async () => {
    const factory = context.open.factory()
    // biome-ignore lint/suspicious/noExplicitAny: what is not typed right is what is tested
    const refused: any[] = [
      { retention: 59_999 },
      { retention: 0 },
      { retention: '1s' },
      { retention: -1 },
      { retention: Number.NaN },
      { retention: null },
      { retention: Number.POSITIVE_INFINITY },
      { signal: 'now' },
      { onProgress: 1 },
      { keep: '1h' },
      null,
    ]
    for (const options of refused) await rejection(factory.prune(options), 'E_INVALID_OPTION')
  })
}
