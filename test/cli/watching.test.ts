import { describe, expect, test } from 'vitest'
import { endedHolds } from '../../src/cli/watching/ended-holds.ts'
import { lookAtLocks } from '../../src/cli/watching/look-at-locks.ts'
import { PastHolds } from '../../src/cli/watching/past-holds.ts'
import { RecentTimes, type TimesSeen } from '../../src/cli/watching/recent-times.ts'
import { SampledTimes } from '../../src/cli/watching/times.ts'
import { Waits } from '../../src/cli/watching/waits.ts'
import { memoryStore } from '../../src/drivers/memory.ts'
import { LockFactory, type LockInfo } from '../../src/index.ts'

const NOW_MS = 1_000_000

/** A hold that began a second ago and has ten left, unless it is said. */
function held(
  key: string,
  token: number,
  { sinceMs = NOW_MS - 1_000, untilMs = NOW_MS + 10_000, isWanted = false } = {},
) {
  const times = {
    acquiredAt: new Date(sinceMs),
    heldMs: NOW_MS - sinceMs,
    expiresAt: new Date(untilMs),
    remainingMs: untilMs - NOW_MS,
  }
  return { key, token, isHeld: true, heldBy: 'somebody', ...times, renewals: 0, isWanted } satisfies LockInfo
}

function look(...locks: LockInfo[]): Map<string, LockInfo> {
  return new Map(locks.map((lock) => [lock.key, lock]))
}

describe('holds that ended', () => {
  test('were there, and are gone: with what they lasted at most', () => {
    const ended = endedHolds(look(held('a', 1), held('b', 2)), look(held('b', 2)), NOW_MS + 500)
    expect(ended).toMatchObject([{ key: 'a', token: 1, fromMs: NOW_MS - 1_000, toMs: NOW_MS + 500, hasRunOut: false }])
  })

  test('that nobody released ended with their lease', () => {
    const [ended] = endedHolds(look(held('a', 1, { untilMs: NOW_MS + 300 })), look(), NOW_MS + 500)
    expect(ended).toMatchObject({ toMs: NOW_MS + 300, hasRunOut: true })
  })

  test('and were followed by another one ended no later than that began', () => {
    const next = held('a', 2, { sinceMs: NOW_MS + 100 })
    expect(endedHolds(look(held('a', 1)), look(next), NOW_MS + 500)).toMatchObject([{ token: 1, toMs: NOW_MS + 100 }])
  })

  test('are not those that were renewed', () => {
    expect(endedHolds(look(held('a', 1)), look(held('a', 1, { untilMs: NOW_MS + 20_000 })), NOW_MS + 500)).toEqual([])
  })

  test('are remembered by key, the last twenty, latest first', () => {
    const past = new PastHolds()
    for (let token = 1; token <= 25; token++) past.add({ ...endedHolds(look(held('a', token)), look(), NOW_MS)[0]! })
    expect(past.of('a').map(({ token }) => token)).toEqual(Array.from({ length: 20 }, (_, index) => 25 - index))
    expect(past.of('b')).toEqual([])
  })
})

describe('waits', () => {
  test('last from the first mark that was seen to the next grant', () => {
    const waits = new Waits()
    const wanted = look(held('a', 1, { isWanted: true }))
    expect(waits.follow(look(held('a', 1)), wanted, NOW_MS)).toEqual([])
    expect(waits.sinceMs('a')).toBe(NOW_MS)
    expect(waits.longestMs(NOW_MS + 700)).toBe(700)
    const granted = look(held('a', 2, { sinceMs: NOW_MS + 900 }))
    expect(waits.follow(wanted, granted, NOW_MS + 1_000)).toEqual([{ key: 'a', waitedMs: 900 }])
    expect(waits.size).toBe(0)
  })

  test('go on for the next one, when the key is handed over and still wanted', () => {
    const waits = new Waits()
    const wanted = look(held('a', 1, { isWanted: true }))
    waits.follow(look(), wanted, NOW_MS)
    const next = look(held('a', 2, { sinceMs: NOW_MS + 900, isWanted: true }))
    expect(waits.follow(wanted, next, NOW_MS + 1_000)).toEqual([{ key: 'a', waitedMs: 900 }])
    expect(waits.sinceMs('a')).toBe(NOW_MS + 900)
  })

  test('that were given up are not counted', () => {
    const waits = new Waits()
    const wanted = look(held('a', 1, { isWanted: true }))
    waits.follow(look(), wanted, NOW_MS)
    expect(waits.follow(wanted, look(), NOW_MS + 1_000)).toEqual([])
    expect(waits.size).toBe(0)
  })
})

describe('times of the last minutes', () => {
  const seen = (nowMs: number, more: Partial<TimesSeen> = {}): TimesSeen => ({
    ...{ nowMs, held: 1, waitedFor: 0, holds: [], waits: [], oldestHoldMs: 5, longestWaitMs: null, ...more },
  })

  test('are kept in buckets of five seconds, for ten minutes', () => {
    const times = new RecentTimes()
    const waits = [{ key: 'a', waitedMs: 100 }]
    for (let ms = 0; ms < 700_000; ms += 1_000) times.add(seen(ms, { held: ms / 1_000, waits }))
    const buckets = times.buckets()
    expect(buckets).toHaveLength(120)
    expect(buckets.at(-1)).toMatchObject({ atMs: 695_000, held: 699, waits: { count: 5, medianMs: 100 } })
    expect(times.summary().waits).toEqual({ count: 600, medianMs: 100, p95Ms: 100, longestMs: 100 })
  })

  test('have no bucket for the time in which nobody could look', () => {
    const times = new RecentTimes()
    times.add(seen(2_000))
    times.add(seen(31_000))
    expect(times.buckets().map(({ atMs }) => atMs)).toEqual([0, 30_000])
  })

  test('take a bounded memory, and are right about what they keep', () => {
    const times = new SampledTimes()
    for (let ms = 1; ms <= 100_000; ms++) times.add(ms)
    const { count, medianMs, p95Ms, longestMs } = SampledTimes.together([times])
    expect({ count, longestMs }).toEqual({ count: 100_000, longestMs: 100_000 })
    expect(medianMs).toBeGreaterThan(40_000)
    expect(medianMs).toBeLessThan(60_000)
    expect(p95Ms).toBeGreaterThan(90_000)
  })
})

test('a look sees all pages, and says when it was cut', async () => {
  await using locks = new LockFactory(memoryStore())
  const keys = Array.from({ length: 25 }, (_, index) => `key:${String(index).padStart(2, '0')}`)
  await Promise.all(keys.map((key) => locks.createLock(key).acquireImmediately()))
  const all = await lookAtLocks(locks, { pageLocks: 10 })
  expect({ keys: [...all.locks.keys()], isCut: all.isCut }).toEqual({ keys, isCut: false })
  const some = await lookAtLocks(locks, { pageLocks: 10, mostLocks: 15 })
  expect({ keys: [...some.locks.keys()], isCut: some.isCut }).toEqual({ keys: keys.slice(0, 15), isCut: true })
  expect((await lookAtLocks(locks, { prefix: 'key:1' })).locks.size).toBe(10)
})
