import { numberOf, numberOrNull } from '../dialects/numbers.ts'
import type { Answer } from '../statement.ts'
import type { ListedKey, LockState } from './lock-store.ts'

/** What an inspection brought back; `null`: there is no such row. */
export function leaseStateOf({ rows: [row] }: Answer): LockState | null {
  if (!row) return null
  const owner = row.owner === null ? null : String(row.owner)
  const state = knownOf(row)
  return { ...state, owner, isHeld: owner !== null && state.remainingUs !== 0 }
}

/** One row of a list. */
export function listedKeyOf(row: Answer['rows'][number]): ListedKey {
  return { ...knownOf(row), key: String(row.key), isHeld: Number(row.is_held) === 1 }
}

function knownOf(row: Answer['rows'][number]): Omit<LockState, 'owner' | 'isHeld'> {
  const remainingUs = numberOrNull(row.remaining)
  return {
    token: numberOf(row.token),
    remainingUs: remainingUs === null ? null : Math.max(0, remainingUs),
    nowUs: numberOf(row.now),
    acquiredAtUs: numberOf(row.acquired_at),
    heldBy: row.held_by === null ? null : String(row.held_by),
    renewals: numberOrNull(row.renewals),
    isWanted: Number(row.wanted) === 1,
  }
}
