import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sqliteStore } from '../../src/drivers/better-sqlite3.ts'
import { mysqlStore } from '../../src/drivers/mysql2.ts'
import { pgStore } from '../../src/drivers/pg.ts'
import { LockFactory, type LockStore } from '../../src/index.ts'
import { type Boxed, nonsense, unboxed } from './nasty-values.ts'
import { outcomeOf } from './outcome.ts'

/** What a driver, an extension of one, or a proxy between may answer: what is asked for it, and whether it fails. */
interface DriverAnswer {
  readonly boxed: Boxed
  readonly fails: boolean
}

const columns = [
  'is_granted',
  'token',
  'now',
  'free_in',
  'owner',
  'remaining',
  'is_old',
  'key',
  'version',
  'is_locked',
  'n',
]

// biome-ignore lint/suspicious/noExplicitAny: what is not typed right is what is tested
type Anything = any

const row = fc.dictionary(
  fc.constantFrom(...columns),
  fc.oneof(fc.constantFrom(null, true, 0, 1, 5n, '5', 'x', -1, 2 ** 53, Number.NaN)),
)
const rowsOfAnything = fc.record({
  rows: fc.array(row, { maxLength: 2 }),
  rowCount: fc.constantFrom(0, 1, null, -1, '1'),
})
const answer: fc.Arbitrary<DriverAnswer> = fc.record({
  boxed: fc.oneof(
    nonsense,
    fc.record({ value: rowsOfAnything }),
    fc.record({ value: fc.array(row, { maxLength: 2 }) }),
    fc.record({
      value: fc.tuple(
        fc.record({ affectedRows: fc.constantFrom(0, 1, 2), insertId: fc.constantFrom(0, 1, 5, 2 ** 53, '7') }),
      ),
    }),
  ),
  fails: fc.boolean(),
})

const STORES: Readonly<Record<string, (say: () => unknown) => LockStore>> = {
  pg: (say) => pgStore({ pool: { query: async () => say() as Anything } }),
  mysql2: (say) => mysqlStore({ pool: { execute: async () => say() as Anything } }),
  'better-sqlite3': (say) =>
    sqliteStore({
      database: {
        inTransaction: false,
        prepare: () => ({ reader: true, readonly: true, all: () => say() as Anything, run: () => say() as Anything }),
      },
    }),
}

for (const [driver, storeOf] of Object.entries(STORES)) {
  test(`${driver}: 1,000 answers that make no sense are errors, or answers of the right kind`, {
    timeout: 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(answer, async ({ boxed, fails }) => {
        const say = () => {
          const said = unboxed(boxed)
          if (fails) throw said
          return said
        }
        const lock = new LockFactory(storeOf(say)).createLock('k')
        const once = { retry: { attempts: 1, timeout: 50 } }
        const acquired = await outcomeOf(() => lock.acquire(once), [lock.getOwner()])
        if (acquired.kind === 'value') expect(typeof acquired.value).toBe('boolean')
        if (acquired.kind === 'value' && acquired.value) expect(Number.isSafeInteger(lock.fencingToken)).toBe(true)
        const known = await outcomeOf(() => lock.isLocked(), [lock.getOwner()])
        if (known.kind === 'value') expect(typeof known.value).toBe('boolean')
      }),
      { numRuns: 1_000 },
    )
  })
}
