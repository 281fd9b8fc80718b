import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryStore } from '../src/drivers/memory.ts'
import { isLockError, type Lock, LockFactory } from '../src/index.ts'
import { isSelected } from './servers/selection.ts'
import type { ContractBackend, OpenBackend } from './support/contract-backend.ts'
import { tableBackends } from './support/contract-backends.ts'

/** Locks by number: three on one key, two on another. */
const LOCKS = [0, 0, 0, 1, 1] as const

/** TTLs are whole minutes, and what passes never sums up to one, so that no lease ends within the time of a test run. */
const MINUTE_MS = 60_000

type Step =
  | { readonly do: 'acquire'; readonly lock: number }
  | { readonly do: 'release'; readonly lock: number }
  | { readonly do: 'extend'; readonly lock: number; readonly minutes: number | null }
  | { readonly do: 'forceRelease'; readonly lock: number }
  | { readonly do: 'restore'; readonly lock: number; readonly into: number }
  | { readonly do: 'isLocked'; readonly lock: number }
  | { readonly do: 'pass'; readonly minutes: number }

const lockNumber = fc.nat(LOCKS.length - 1)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('acquire' as const), lock: lockNumber }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('release' as const), lock: lockNumber }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('extend' as const),
      lock: lockNumber,
      minutes: fc.constantFrom(1, 3, null),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forceRelease' as const), lock: lockNumber }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('restore' as const), lock: lockNumber, into: lockNumber }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('isLocked' as const), lock: lockNumber }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), minutes: fc.constantFrom(0.55, 1.55, 2.55) }) },
)
const schedule = fc.record({
  ttlMinutes: fc.array(fc.constantFrom(1, 2, 3, null), { minLength: LOCKS.length, maxLength: LOCKS.length }),
  steps: fc.array(step, { minLength: 5, maxLength: 20 }),
})

/** One world in which a schedule runs: its locks, and how time passes there. */
interface World {
  readonly factory: LockFactory
  readonly locks: Lock[]
  pass(ms: number): Promise<void>
}

let worlds = 0

function worldOf(factory: LockFactory, ttlMinutes: readonly (number | null)[], pass: World['pass']): World {
  const world = ++worlds
  const locks = LOCKS.map((key, index) => {
    const minutes = ttlMinutes[index] ?? null
    return factory.createLock(`${process.pid}:${world}:${key}`, minutes === null ? null : minutes * MINUTE_MS)
  })
  return { factory, locks, pass }
}

/** What a step answers, without what differs from world to world; tokens are looked at by {@link tokenOrder}. */
async function answerOf(world: World, asked: Step): Promise<unknown> {
  if (asked.do === 'pass') return world.pass(asked.minutes * MINUTE_MS)
  const lock = world.locks[asked.lock] as Lock
  try {
    switch (asked.do) {
      case 'acquire':
        return await lock.acquireImmediately()
      case 'extend':
        return await lock.extend(asked.minutes === null ? null : asked.minutes * MINUTE_MS)
      case 'restore': {
        const restored = world.factory.restoreLock(JSON.parse(JSON.stringify(lock.serialize())))
        world.locks[asked.into] = restored
        return restored.fencingToken !== null
      }
      default:
        return await lock[asked.do]()
    }
  } catch (error) {
    if (isLockError(error)) return error.code
    throw error
  }
}

/** The tokens that the locks show, as ranks: which of them are equal, and which is the higher. */
function tokenOrder(world: World): (number | null)[] {
  return world.locks.map(({ key, fencingToken }) => {
    if (fencingToken === null) return null
    const sameKey = world.locks.filter((lock) => lock.key === key && lock.fencingToken !== null)
    const tokens = [...new Set(sameKey.map((lock) => lock.fencingToken))].sort((a, b) => Number(a) - Number(b))
    return tokens.indexOf(fencingToken)
  })
}

type HistoryEntry = [asked: Step, answer: unknown, order: (number | null)[], tokens: (number | null)[]]

async function historyOf(world: World, steps: readonly Step[]): Promise<HistoryEntry[]> {
  const history: HistoryEntry[] = []
  for (const asked of steps) {
    const answer = await answerOf(world, asked)
    history.push([asked, answer, tokenOrder(world), world.locks.map(({ fencingToken }) => fencingToken)])
  }
  return history
}

/** Tokens are microseconds of a clock, so two worlds only agree on their order. */
function withoutTokens([asked, answer, order]: HistoryEntry) {
  return [asked, answer, order]
}

/** The specification in a world where nothing passes by itself. */
function specification(ttlMinutes: readonly (number | null)[]): World {
  let nowMs = 1_700_000_000_000
  const factory = new LockFactory(memoryStore({ nowMs: () => nowMs }))
  return worldOf(factory, ttlMinutes, async (ms) => {
    nowMs += ms
  })
}

function compares(backend: ContractBackend, runs: number): void {
  describe(backend.name, () => {
    let open: OpenBackend
    beforeAll(async () => {
      open = await backend.open()
    })
    afterAll(() => open.close())

    test(`answers ${runs} random schedules as the specification does`, { timeout: 240_000 }, async () => {
      const factory = open.factory()
      await fc.assert(
        fc.asyncProperty(schedule, async ({ ttlMinutes, steps }) => {
          const expected = await historyOf(specification(ttlMinutes), steps)
          const actual = await historyOf(
            worldOf(factory, ttlMinutes, (ms) => open.pass(ms)),
            steps,
          )
          expect(actual.map(withoutTokens)).toEqual(expected.map(withoutTokens))
        }),
        { numRuns: runs },
      )
    })
  })
}

/** What must be true of any store, told by the history alone: who holds which key until when, in minutes. */
function checkHistory(
  history: readonly HistoryEntry[],
  ttlMinutes: readonly (number | null)[],
  keys: readonly string[],
): void {
  const endOf = new Map<string, number>()
  const lastToken = new Map<string, number>()
  const ttls = ttlMinutes.map((minutes) => minutes ?? Number.POSITIVE_INFINITY)
  const keyOf = [...keys]
  let now = 0
  for (const [asked, answer, , tokens] of history) {
    if (asked.do === 'pass') {
      now += asked.minutes
      continue
    }
    const key = keyOf[asked.lock] as string
    const isHeld = (endOf.get(key) ?? 0) > now
    if (asked.do === 'isLocked') expect(answer).toBe(isHeld)
    if (asked.do === 'acquire') {
      // Exactly one of them: held by somebody, or granted with a higher token.
      expect(answer).toBe(!isHeld)
      if (answer !== true) continue
      const token = tokens[asked.lock] as number
      expect(token).toBeGreaterThan(lastToken.get(key) ?? 0)
      lastToken.set(key, token)
      endOf.set(key, now + (ttls[asked.lock] as number))
    }
    if (asked.do === 'extend' && answer === undefined) {
      expect(isHeld).toBe(true)
      endOf.set(key, now + (asked.minutes ?? Number.POSITIVE_INFINITY))
    }
    if (asked.do === 'release' && answer === undefined) endOf.set(key, now)
    if (asked.do === 'forceRelease') endOf.set(key, now)
    if (asked.do === 'restore') {
      keyOf[asked.into] = key
      ttls[asked.into] = ttls[asked.lock] as number
    }
  }
}

if (isSelected('memory')) {
  test('the specification: 3000 random schedules never let two leases overlap, nor refuse a free key', async () => {
    await fc.assert(
      fc.asyncProperty(schedule, async ({ ttlMinutes, steps }) => {
        const world = specification(ttlMinutes)
        const keys = world.locks.map(({ key }) => key)
        checkHistory(await historyOf(world, steps), ttlMinutes, keys)
      }),
      { numRuns: 3_000 },
    )
  })
}
for (const backend of tableBackends()) compares(backend, backend.family === 'sqlite' ? 1_500 : 250)
