import fc from 'fast-check'
import { expect } from 'vitest'
import { LockFactory, type LockStore } from '../../src/index.ts'
import type { OpenBackend } from '../support/contract-backend.ts'
import { nastyDuration, nastyString } from './nasty-values.ts'
import { outcomeOf } from './outcome.ts'
import { isKey, isText, isTtl } from './rules.ts'

/** One lease as somebody may ask for it: texts of any kind. */
interface Wish {
  readonly key: string
  readonly owner: string
  readonly label: string
  readonly ttl: unknown
}

/** Leases on keys that differ. */
export function wishes(count: number): fc.Arbitrary<Wish[]> {
  const wish = fc.record({ key: nastyString, owner: nastyString, label: nastyString, ttl: nastyDuration })
  return fc.uniqueArray(wish, { minLength: count, maxLength: count, selector: ({ key }) => key })
}

/** What the table must have of a lease: the very bytes. */
type Row = readonly [key: string, owner: string, label: string]

/**
 * Takes a lease on each key, all at once, and compares the table, byte by byte, with what was asked for: no two keys meet, and nothing is
 * cut, folded or interpreted. Then gives them back.
 */
export async function checkRows(open: OpenBackend, store: LockStore, all: readonly Wish[]): Promise<void> {
  if (open.address) await open.send(`delete from ${open.address.tableName}`)
  const taken = await Promise.all(all.map((wish) => take(store, wish)))
  const expected = taken.filter((row) => row !== undefined)
  if (open.address) expect(await rowsOf(open)).toEqual(expected.map(hexOf).sort())

  await Promise.all(
    expected.map(async ([key, owner]) => {
      const state = await store.inspect(key)
      expect(state?.owner).toBe(owner)
      await restored(store, { key, owner }).release()
      expect(await new LockFactory(store).createLock(key).isLocked()).toBe(false)
    }),
  )
}

async function take(store: LockStore, { key, owner, label, ttl }: Wish): Promise<Row | undefined> {
  const isValid = isKey(key) && isText(owner, 255) && isTtl(ttl) && ttl !== undefined && isText(label, 255)
  const isNowhereElse = owner.length > 10 && ![key, label, String(ttl)].some((other) => other.includes(owner))
  const outcome = await outcomeOf(
    async () => {
      const locks = new LockFactory(store, { label })
      const ttlMs = locks.createLock(key, ttl as string).serialize().ttl
      // Long enough to be looked at.
      const lock = locks.restoreLock({
        key,
        owner,
        ttl: ttlMs === null ? null : ttlMs + 60_000 > 9e12 ? ttlMs : ttlMs + 60_000,
        expirationTime: null,
        token: null,
      })
      return lock.acquireImmediately()
    },
    isNowhereElse ? [owner] : [],
  )
  if (isValid) expect(outcome).toEqual({ kind: 'value', value: true })
  else if (ttl !== undefined) expect(outcome.kind).toBe('refused')
  return outcome.kind === 'value' ? [key, owner, label] : undefined
}

function restored(store: LockStore, { key, owner }: { key: string; owner: string }) {
  return new LockFactory(store).restoreLock({ key, owner, ttl: null, expirationTime: null })
}

async function rowsOf(open: OpenBackend): Promise<string[]> {
  const rows = await open.send(SELECT[open.address?.family ?? 'sqlite'](open.address?.tableName as string))
  return rows.map(({ k, o, h }) => [k, o, h].join(' ').toLowerCase()).sort()
}

const SELECT = {
  postgres: (table: string) =>
    `select encode(convert_to(key, 'UTF8'), 'hex') as k, encode(convert_to(owner, 'UTF8'), 'hex') as o, encode(convert_to(held_by, 'UTF8'), 'hex') as h from ${table}`,
  mysql: (table: string) => `select hex(\`key\`) as k, hex(owner) as o, hex(held_by) as h from ${table}`,
  sqlite: (table: string) => `select hex(key) as k, hex(owner) as o, hex(held_by) as h from ${table}`,
}

function hexOf(row: Row): string {
  return row.map((text) => Buffer.from(text).toString('hex')).join(' ')
}
