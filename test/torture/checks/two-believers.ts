import { type Check, type Evidence, isGrant, isLossFelt, type TrailEntry, when } from '../evidence.ts'
import { wasHindered } from '../hindered.ts'
import type { HistoryEvent } from '../history.ts'
import { isTakenFromGone } from '../presences.ts'
import { wasThrownOut } from './thrown-out.ts'

/** The machine's clock and the shared one drift apart by less than this, and the samples of their difference differ by less. */
const TOLERANCE_US = 20_000

/** G5. A holder's own lock says "still held" after the database has granted the key to somebody else. */
export const twoBelievers: Check = {
  name: 'two believe to hold',
  meaning:
    'a lock said that it was still held after the key had been granted to somebody else, though nobody forced it open (G1, G5)',
  find(evidence) {
    const successors = new Map<string, TrailEntry>()
    return evidence.history.flatMap((event) => {
      if (event.e !== 'alive' || isLossFelt(evidence, event.t)) return []
      const next = successorOf(evidence, event.key, event.token, successors)
      if (next === undefined) return []
      const lateUs = event.t + evidence.clockOffsetUs - next.atUs
      if (lateUs <= TOLERANCE_US || wasThrownOut(evidence, event, next.atUs - evidence.clockOffsetUs + TOLERANCE_US))
        return []
      if (isTakenFromGone(next, evidence) && isNewsOnItsWay(evidence, event, next)) return []
      return [
        `${event.key}: ${event.process} believed at ${when(evidence, event.t)} to hold ${event.token}, ${Math.round(lateUs / 1000)} ms after ${next.token} was granted`,
      ]
    })
  },
}

/** What a process may take to hear of the end of its connection, if nothing hinders it. */
const HEARD_WITHIN_US = 1_000_000

/** The server has found its presence gone, and nobody has told it yet. */
function isNewsOnItsWay(evidence: Evidence, event: HistoryEvent, next: TrailEntry): boolean {
  const from = next.atUs - evidence.clockOffsetUs
  return event.t <= from + HEARD_WITHIN_US || wasHindered(evidence, event.process, { from, until: event.t })
}

/**
 * The first grant of the key with a higher token to somebody else. To the same owner: an earlier sending of its own try was carried out late,
 * which costs it the hold, and lets nobody else in.
 */
function successorOf(
  evidence: Evidence,
  key: string,
  token: number,
  known: Map<string, TrailEntry>,
): TrailEntry | undefined {
  const name = `${key} ${token}`
  const seen = known.get(name)
  if (seen) return seen
  const entries = evidence.trail.get(key) ?? []
  const owner = entries.find((entry) => entry.token === token && entry.owner !== null)?.owner
  const found = entries.find(
    (entry) => isGrant(entry) && entry.token !== null && entry.token > token && entry.owner !== owner,
  )
  if (found) known.set(name, found)
  return found
}
