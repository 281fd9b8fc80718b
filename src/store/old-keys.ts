import { SWEEP_PAGE } from '../dialects/dialect.ts'
import { numberOf } from '../dialects/numbers.ts'
import type { Answer } from '../statement.ts'
import type { OldKeys } from './lock-store.ts'

/** Rows that one statement deletes: it has them locked until it is through, which keeps those who come for them waiting. */
const MOST_AT_ONCE = 100

/** What a look for rows that can go brought back. */
export function oldKeysOf({ rows }: Answer): OldKeys {
  const [first] = rows
  const old = rows.filter((row) => Number(row.is_old) === 1).map((row) => String(row.key))
  const portions = Array.from({ length: Math.ceil(old.length / MOST_AT_ONCE) }, (_, n) =>
    old.slice(n * MOST_AT_ONCE, (n + 1) * MOST_AT_ONCE),
  )
  return {
    portions,
    freeSinceUs: first ? numberOf(first.free_since) : 0,
    looked: rows.length,
    lastKey: rows.length < SWEEP_PAGE ? null : String(rows.at(-1)?.key),
  }
}
