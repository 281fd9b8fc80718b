import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { CompiledQuery, type Kysely } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialectNamed } from '../../src/dialects/detect.ts'
import { pgStore } from '../../src/drivers/pg.ts'
import { isLockError, LockFactory } from '../../src/index.ts'
import { schemaStatements } from '../../src/schema/create-migrations.ts'
import { migrateToLatest } from '../../src/schema/migrations.ts'
import { statementsOf } from '../mutation/mutated.ts'
import { isSelected } from '../servers/selection.ts'
import { BACKENDS } from '../support/backends.ts'
import type { TableAddress } from '../support/contract-backend.ts'
import { createDatabase, type ThrowawayDatabase } from '../support/throwaway-database.ts'
import { openKysely } from '../support/transactions/kysely.ts'
import { nastyString } from './nasty-values.ts'
import { spiedStore } from './spied-store.ts'

const FAMILIES = ['postgres', 'mysql', 'sqlite'] as const
const quotedFor = { postgres: quotedBy('"'), mysql: quotedBy('`'), sqlite: quotedBy('"') }

/** Names that somebody's generator may make, with words of SQL, and with what other quoting would trip over. */
const ODD_NAMES = [
  'select',
  'MixedCase',
  'mixedcase',
  'a$b-c',
  '_',
  'null',
  'x--y',
  'drop-table-users',
  'Ünïcödé',
  '日本語',
  'x'.repeat(63),
  'é'.repeat(31),
  'locks',
  'clock',
  'free',
  'verrou_locks',
]

/** Letters, marks, digits and three signs that end no quote; nothing that a library would take for a placeholder. */
const HARMLESS = /^([\p{L}\p{M}\p{N}_-]|\$(?!\d))+$/u

const name = fc.oneof(
  nastyString,
  fc.constantFrom(...ODD_NAMES),
  fc.tuple(fc.constantFrom(...ODD_NAMES), nastyString).map((both) => both.join('')),
)

test('a name with what a library would take for a placeholder is refused', () => {
  for (const tableName of ['t$1', '_$0a', 'a$$1']) expect(isTaken(tableName), tableName).toBe(false)
})

test('5,000 random names of tables and schemas are refused, or stand in every statement as one quoted identifier', () => {
  fc.assert(
    fc.property(name, name, (tableName, schema) => {
      if (!isTaken(tableName) || !isTaken(schema)) return
      expect(`${tableName}${schema}`).toMatch(HARMLESS)
      for (const family of FAMILIES) checkQuoted(family, tableName, schema)
    }),
    { numRuns: 5_000, examples: ODD_NAMES.map((odd) => [odd, odd]) },
  )
})

function isTaken(tableName: string): boolean {
  try {
    pgStore({ pool: { query: () => expect.fail('sent') }, tableName, schema: tableName })
    return true
  } catch (error) {
    if (!isLockError(error, 'E_INVALID_OPTION')) throw error
    expect(error.message.length).toBeLessThan(1_000)
    return false
  }
}

/** Without the quoted names, the channel's literal, and what is a digest of the names, the texts are those of any other table. */
function checkQuoted(family: (typeof FAMILIES)[number], tableName: string, schema: string): void {
  expect(textsOf(family, tableName, schema)).toEqual(textsOf(family, 'plain', 'plain'))
}

function textsOf(family: (typeof FAMILIES)[number], tableName: string, schema: string): string[] {
  const quoted = quotedFor[family]
  const texts = statementsOf(dialectNamed(family, { tableName, schema })).map(({ sql }) => sql)
  return [...texts, ...schemaStatements(family, { tableName, schema })].map((text) =>
    text
      .replaceAll(`${quoted(schema)}.${quoted(tableName)}`, '<table>')
      .replaceAll(`pg_notify('${tableName}'`, '<channel>')
      .replaceAll(/(?<=hashtextextended\([^,()]+, )-?\d+(?=\))/g, '<digest>')
      .replaceAll(/(?<='verrou_session_)[0-9a-f]{16}(?=')/g, '<digest>'),
  )
}

function quotedBy(mark: string): (name: string) => string {
  return (name) => `${mark}${name}${mark}`
}

for (const backend of BACKENDS) {
  describe(backend.name, () => {
    let database: ThrowawayDatabase
    beforeAll(async () => {
      database = await createDatabase(backend)
    })
    afterAll(() => database.drop())

    test('tables with odd names, in odd schemas, are made and used, each by its own', { timeout: 60_000 }, async () => {
      const { family } = backend
      const schema = family === 'postgres' ? 'Schema-$-select' : undefined
      await checkTables({ family, url: database.url, tableName: '' }, schema)
    })
  })
}

test.runIf(isSelected('sqlite'))('sqlite: tables with odd names are made and used, each by its own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'verrou-names-'))
  await checkTables({ family: 'sqlite', url: join(folder, 'locks.db'), tableName: '' }, undefined)
  rmSync(folder, { recursive: true })
})

async function checkTables(address: TableAddress, schema: string | undefined): Promise<void> {
  const db = openKysely(address)
  if (schema !== undefined) await db.executeQuery(CompiledQuery.raw(`create schema "${schema}"`))
  // SQLite takes names that differ in case for one.
  const names = address.family === 'sqlite' ? ODD_NAMES.filter((odd) => odd !== 'mixedcase') : ODD_NAMES
  for (const tableName of names) {
    await migrateToLatest(db, { tableName, ...(schema === undefined ? {} : { schema }) })
    await useTable(db, { ...address, tableName }, schema)
  }
  await db.destroy()
}

/** The key is free in each table: they are different ones. */
async function useTable(db: Kysely<unknown>, address: TableAddress, schema: string | undefined): Promise<void> {
  const spied = spiedStore(address, schema)
  const locks = new LockFactory(spied.store)
  const lock = locks.createLock('k', null)
  expect(await lock.acquireImmediately(), address.tableName).toBe(true)
  expect(await locks.createLock('k').acquireImmediately()).toBe(false)
  expect(await spied.store.want('k')).toBe('marked')
  expect((await db.introspection.getTables()).map((table) => table.name)).toContain(address.tableName)
  await db.transaction().execute(async (trx) => {
    await lock.guard(trx)
    const within = locks.within(trx, { isolationLevel: 'read committed' })
    expect(await within.lockUntilCommit('l')).toMatchObject({ key: 'l' })
  })
  const [ran] = await locks.runOncePer('m', '1h', () => 1)
  expect(ran).toBe(true)
  expect(spied.unknownTexts()).toEqual([])
  await locks.close()
  await spied.close()
}
