import { numberOf, numberOrNull } from '../dialects/numbers.ts'
import type { Answer } from '../statement.ts'
import type { LeaseState } from './lock-store.ts'

/** What an inspection brought back; `null`: there is no such row. */
export function leaseStateOf({ rows: [row] }: Answer): LeaseState | null {
  if (!row) return null
  const remainingUs = numberOrNull(row.remaining)
  return {
    owner: row.owner === null ? null : String(row.owner),
    token: numberOf(row.token),
    remainingUs: remainingUs === null ? null : Math.max(0, remainingUs),
    nowUs: numberOf(row.now),
  }
}
