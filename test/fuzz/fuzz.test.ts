import Database from 'better-sqlite3'
import fc from 'fast-check'
import { Kysely, SqliteDialect } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fromBetterSqlite3 } from '../../src/adapters/better-sqlite3.ts'
import { sqliteStore } from '../../src/drivers/better-sqlite3.ts'
import { memoryStore } from '../../src/drivers/memory.ts'
import { LockFactory } from '../../src/index.ts'
import { migrateToLatest } from '../../src/schema/migrations.ts'
import type { ContractBackend, OpenBackend } from '../support/contract-backend.ts'
import { directBackends } from '../support/contract-backends.ts'
import { checkRows, wishes } from './key-rows.ts'
import { type Boxed, nonsense, unboxed } from './nasty-values.ts'
import { outcomeOf } from './outcome.ts'
import type { World } from './public-call.ts'
import { PUBLIC_CALLS, worldOf } from './public-calls.ts'
import { type SpiedStore, spiedStore } from './spied-store.ts'

/** How many inputs each gets: 100,000 in all, with the four servers. */
const INPUTS: Readonly<Record<ContractBackend['family'], { calls: number; rows: number }>> = {
  memory: { calls: 45_000, rows: 5_000 },
  sqlite: { calls: 20_000, rows: 10_000 },
  postgres: { calls: 2_000, rows: 3_000 },
  mysql: { calls: 2_000, rows: 3_000 },
}
const ROWS_AT_ONCE = 50

const backends = directBackends()
let inputs = 0

for (const backend of backends) {
  describe(backend.name, () => {
    let open: OpenBackend
    let spied: SpiedStore | undefined
    let world: World
    let endTransaction: () => void

    beforeAll(async () => {
      open = await backend.open()
      spied = open.address && spiedStore(open.address)
      const { within, end } = await openWithin()
      endTransaction = end
      world = worldOf(spied?.store ?? open.store(), within)
      await world.busy.acquire()
    })
    afterAll(async () => {
      await world.locks.close()
      endTransaction()
      await spied?.close()
      await open.close()
    })

    const { calls, rows } = INPUTS[backend.family]
    test(`${calls} nonsensical calls: a LockError or a right answer`, { timeout: 240_000 }, async () => {
      const name = fc.constantFrom(...Object.keys(PUBLIC_CALLS))
      await fc.assert(
        fc.asyncProperty(name, nonsense, nonsense, nonsense, (called, a, b, c) => checkCall(world, called, [a, b, c])),
        { numRuns: calls },
      )
      inputs += calls
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    })

    test(`${rows} leases with keys, owners, labels and TTLs of any kind`, { timeout: 240_000 }, async () => {
      await world.busy.forceRelease()
      await fc.assert(
        fc.asyncProperty(wishes(ROWS_AT_ONCE), (all) => checkRows(open, spied?.store ?? memoryStore(), all)),
        { numRuns: rows / ROWS_AT_ONCE },
      )
      inputs += rows
    })

    test.runIf(backend.family !== 'memory')('and no text has reached the driver but the known statements', () => {
      expect(spied?.texts.size).toBeGreaterThan(5)
      expect(spied?.unknownTexts()).toEqual([])
    })
  })
}

test('100,000 inputs in all, where every database is there', () => {
  console.log(`fuzz: ${inputs} random inputs on ${backends.length} databases`)
  if (backends.length === 6) expect(inputs).toBe(100_000)
})

async function checkCall(world: World, name: string, boxed: [Boxed, Boxed, Boxed]): Promise<void> {
  const values = boxed.map(unboxed) as [unknown, unknown, unknown]
  const { call, isForeign, isRight, isAccepted } = PUBLIC_CALLS[name]!
  const outcome = await outcomeOf(() => call(world, ...values), [world.busy.getOwner()], isForeign)
  if (outcome.kind === 'value' && isRight) expect(isRight(outcome.value, ...values), name).toBe(true)
  const accepted = isAccepted?.(...values)
  if (accepted !== undefined) expect(outcome.kind === 'value', name).toBe(accepted)
}

/** A transaction on a database of its own, open for as long as the tests run. */
async function openWithin() {
  const database = new Database(':memory:')
  await migrateToLatest(new Kysely({ dialect: new SqliteDialect({ database }) }))
  database.exec('begin immediate')
  const within = new LockFactory(sqliteStore({ database })).within(fromBetterSqlite3(database))
  return { within, end: () => void database.close() }
}
