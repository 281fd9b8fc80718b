import { beforeEach, describe, expect, test } from 'vitest'
import { acquire } from '../../src/engine/acquire.ts'
import { BackgroundGiveBack } from '../../src/engine/give-back.ts'
import { Pauses } from '../../src/engine/pauses.ts'
import { WaitLines } from '../../src/engine/wait-lines.ts'
import type { LockStore } from '../../src/index.ts'
import { resolveRetry } from '../../src/options.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { FakeClock } from '../support/fake-clock.ts'

let clock: FakeClock
let pauses: Pauses
beforeEach(() => {
  clock = new FakeClock()
  pauses = new Pauses({ clock, chance: () => 1 })
})

describe('one that polls', () => {
  test('marks at its first long pause, and then every half a second', () => {
    expect(pauses.isMarkDue(100, false)).toBe(true)
    clock.jump(499)
    expect(pauses.isMarkDue(100, false)).toBe(false)
    clock.jump(1)
    expect(pauses.isMarkDue(100, false)).toBe(true)
    expect(pauses.isMarkDue(100, false)).toBe(false)
  })

  test('whose pauses are short marks once it has been refused for half a second', () => {
    expect(pauses.isMarkDue(49, false)).toBe(false)
    clock.jump(499)
    expect(pauses.isMarkDue(49, false)).toBe(false)
    clock.jump(1)
    expect(pauses.isMarkDue(49, false)).toBe(true)
    expect(pauses.isMarkDue(49, false)).toBe(false)
  })

  test('has no pause of its own while nobody holds back', () => {
    expect(pauses.whileYieldedMs(false)).toBe(Number.POSITIVE_INFINITY)
  })

  test('that has just come looks once while the others hold back', () => {
    pauses.isMarkDue(100, false)
    expect(pauses.whileYieldedMs(true)).toBe(150)
    clock.jump(149)
    expect(pauses.whileYieldedMs(false)).toBe(150)
    clock.jump(1)
    expect(pauses.whileYieldedMs(false)).toBe(Number.POSITIVE_INFINITY)
  })

  test('that has been refused for half a second looks every 25 ms, for as long as they hold back', () => {
    pauses.isMarkDue(100, false)
    clock.jump(500)
    expect(pauses.whileYieldedMs(pauses.isMarkDue(100, false))).toBe(25)
    clock.jump(149)
    expect(pauses.whileYieldedMs(false)).toBe(25)
    clock.jump(1)
    expect(pauses.whileYieldedMs(false)).toBe(Number.POSITIVE_INFINITY)
  })

  test('that hears marks whenever it was refused, and looks no more often', () => {
    expect([1, 2, 3].map(() => pauses.isMarkDue(5, true))).toEqual([true, true, true])
    expect(pauses.nextMs({ mostMs: 3_000, isCounted: false }, true)).toBe(3_000)
  })
})

test('in a line: it looks seldom, but often after each mark once it has waited for long', async () => {
  const looksAtMs: number[] = []
  const memory = new MemoryStore(() => Math.round(clock.nowMs() * 1000) + 1_000_000)
  // Without a wake source, it hears of nobody.
  const store = {
    tryAcquire(request) {
      looksAtMs.push(clock.nowMs())
      return memory.tryAcquire(request)
    },
    want: (key) => memory.want(key),
    abandon: (key, attempt) => memory.abandon(key, attempt),
  } satisfies Partial<LockStore> as Partial<LockStore> as LockStore
  const timing = { clock, chance: () => 1 }
  const giveBack = new BackgroundGiveBack(store, timing, () => {})
  const engine = { store, timing, giveBack, waiting: new WaitLines({ store, timing, giveBack }) }
  const request = { key: 'k', owner: 'w', attempt: 'w', ttlUs: 1_000_000, heldBy: 't' }
  await memory.tryAcquire({ ...request, owner: 'h', attempt: 'h', ttlUs: null })
  const leaving = new AbortController()
  const waiting = acquire(engine, request, { ...resolveRetry(undefined), delayMs: 3_000 }, leaving.signal)
  await clock.pass(4_500)
  leaving.abort('enough')
  await expect(waiting).rejects.toBe('enough')

  const pausesMs = looksAtMs.slice(1).map((atMs, index) => atMs - Number(looksAtMs[index]))
  // The first mark comes with the pause of 80 ms, the second one half a second later at the earliest, and one after each whole `delay`.
  const often = [25, 25, 25, 25, 25, 25]
  expect(pausesMs).toEqual([5, 10, 20, 40, 80, 150, 320, ...often, 3_000, ...often])
})
