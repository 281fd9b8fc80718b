import type { Answer } from '../../statement.ts'
import type { TryAnswer } from '../dialect.ts'
import { numberOf, numberOrNull } from '../numbers.ts'

/** What a row says that answers a try. */
export function readAcquireRow(row: Answer['rows'][number]): TryAnswer {
  if (row.is_granted) return { kind: 'granted', token: numberOf(row.token), grantedAtUs: numberOf(row.now) }
  const freeInUs = numberOrNull(row.free_in)
  if (freeInUs === null || freeInUs > 0) return { kind: 'held', freeInUs }
  // Free, and yet not taken: somebody else has the row locked, or its lease ran out since the transaction began.
  return { kind: 'locked', ranOutSinceBegin: row.has_run_out === true }
}
