import { Acknowledged } from '../acknowledged.ts'
import type { Evidence, TrailEntry } from '../evidence.ts'

/** The two clocks are known to each other to within less. */
const TOLERANCE_US = 20_000

/**
 * Whether the holder had asked for its release when its row was changed. A release that is asked for later explains nothing: most
 * holders ask for one in the end. Where rows are only looked at, the time of a change is that of a statement's start, which can have
 * waited since, and any release counts.
 */
export function hadLetGo({ key, oldToken, atUs }: TrailEntry, evidence: Evidence): boolean {
  const releasedAt = Acknowledged.of(evidence).releaseOf(key, oldToken)
  if (releasedAt === undefined) return false
  return evidence.trailKind === 'sampled' || releasedAt <= atUs - evidence.clockOffsetUs + TOLERANCE_US
}
