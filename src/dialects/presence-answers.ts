import type { Answer, TryInput } from '../statement.ts'
import type { PresenceDialect, SeenPresence, TakenOver } from './dialect.ts'
import { numberOf } from './numbers.ts'

/** Drivers have session ids as numbers or as text, and `true` as a number or not. */
export const readTakePresence: PresenceDialect['readTake'] = ({ rows: [row] }) => {
  return { isTaken: Number(row?.is_taken) === 1, session: String(row?.session) }
}

/** Who has a presence. */
export function readSeePresence({ rows: [row] }: Answer): SeenPresence {
  const holder = row?.holder ?? null
  return { session: String(row?.session), server: String(row?.server), holder: holder === null ? null : String(holder) }
}

/** Rows by their place in the list that was asked. */
export function readTakenRows({ rows }: Answer, asked: readonly TryInput[]): (TakenOver | undefined)[] {
  const byNumber = new Map(rows.map((row) => [numberOf(row.n), row]))
  return asked.map((_, n) => {
    const row = byNumber.get(n)
    return row && { token: numberOf(row.token), grantedAtUs: numberOf(row.now) }
  })
}
