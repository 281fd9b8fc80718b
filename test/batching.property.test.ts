import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryStore } from '../src/drivers/memory.ts'
import type { LeaseHold, LockStore } from '../src/index.ts'
import { requestFor } from './suite/taking.ts'
import type { ContractBackend, OpenBackend } from './support/contract-backend.ts'
import { tableBackends } from './support/contract-backends.ts'

/** Whatever comes at the same moment, in whatever mixture: the database answers as the specification does, which takes one call after the other. */

const KEYS = 6
const RUNS = 60

type Burst =
  | { readonly do: 'try'; readonly keys: readonly number[] }
  /** `age`: 0 is the hold that was won last, 1 the one before, which is over. */
  | { readonly do: 'release'; readonly holds: readonly { readonly key: number; readonly age: number }[] }

const key = fc.nat(KEYS - 1)
const bursts: fc.Arbitrary<Burst[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('try' as const), keys: fc.array(key, { minLength: 1, maxLength: 12 }) }),
    fc.record({
      do: fc.constant('release' as const),
      holds: fc.array(fc.record({ key, age: fc.nat(1) }), { minLength: 1, maxLength: 8 }),
    }),
  ),
  { minLength: 2, maxLength: 10 },
)

let worlds = 0

/** What every call of every burst is answered, and who has which key in the end. */
async function playedOn(store: LockStore, played: readonly Burst[]): Promise<unknown[]> {
  const world = `burst-${process.pid}-${++worlds}`
  const won = new Map<number, LeaseHold[]>()
  const said: unknown[] = []
  for (const burst of played) {
    if (burst.do === 'try') {
      const requests = burst.keys.map((number) => requestFor(`${world}-${number}`))
      const outcomes = await Promise.all(requests.map((request) => store.tryAcquire(request)))
      for (const [n, outcome] of outcomes.entries()) {
        const { key: name, owner } = requests[n] as (typeof requests)[number]
        const number = burst.keys[n] as number
        if (outcome.granted) won.set(number, [{ key: name, owner, token: outcome.token }, ...(won.get(number) ?? [])])
      }
      said.push(outcomes.map(({ granted }) => granted))
    } else {
      const holds = burst.holds.flatMap(({ key: number, age }) => won.get(number)?.[age] ?? [])
      said.push(await Promise.all(holds.map((hold) => store.release(hold))))
    }
  }
  for (let number = 0; number < KEYS; number++) {
    const state = await store.inspect(`${world}-${number}`)
    const holds = won.get(number) ?? []
    said.push(state && holds.findIndex(({ owner }) => owner === state.owner))
    expect(holds.map(({ token }) => token)).toEqual([...new Set(holds.map(({ token }) => token))].sort((a, b) => b - a))
  }
  return said
}

function compares(backend: ContractBackend): void {
  describe(backend.name, () => {
    let open: OpenBackend
    beforeAll(async () => {
      open = await backend.open()
    })
    afterAll(() => open.close())

    test(`answers ${RUNS} random runs of bursts as the specification does`, { timeout: 120_000 }, async () => {
      const store = open.store()
      await fc.assert(
        fc.asyncProperty(bursts, async (played) => {
          expect(await playedOn(store, played)).toEqual(await playedOn(memoryStore(), played))
        }),
        { numRuns: RUNS },
      )
      await store.close()
    })
  })
}

for (const backend of tableBackends()) compares(backend)

test.runIf(tableBackends().length === 0)('nothing to test: no database is selected', () => {})
