import { Acknowledged } from './acknowledged.ts'
import type { Evidence, TrailEntry } from './evidence.ts'

/** A call may hang for so long before it is carried out. */
export const LONGEST_CALL_US = 30_000_000

/** The two clocks are known to each other to within less. */
const TOLERANCE_US = 20_000

/** Whether somebody who was about to force the key open can have made this change. */
export function isForced({ key, atUs }: TrailEntry, evidence: Evidence): boolean {
  const at = atUs - evidence.clockOffsetUs
  return Acknowledged.of(evidence).wasForced(key, at - LONGEST_CALL_US, at + TOLERANCE_US)
}
