import { Acknowledged } from '../acknowledged.ts'
import { type Check, type CommittedWrite, type Evidence, isGrant, type TrailEntry, whenUs } from '../evidence.ts'
import { isGivenUp } from '../presences.ts'

/** G3. What was written under a guard or a lock until commit, and committed, was written by the current holder. */
export const lateWrites: Check = {
  name: 'late writes',
  meaning: 'a guarded write was committed by a holder who was no longer current (G3)',
  find(evidence) {
    const acknowledged = Acknowledged.of(evidence)
    return evidence.writes.flatMap((write) => {
      const wrong = wrongWith(write, evidence, acknowledged)
      return wrong
        ? [
            `${write.counter}: ${write.op} (${write.tool}) wrote with ${write.token} at ${whenUs(evidence, write.atUs)}, ${wrong}`,
          ]
        : []
    })
  },
}

function wrongWith(write: CommittedWrite, evidence: Evidence, acknowledged: Acknowledged): string | undefined {
  const entries = evidence.trail.get(write.counter) ?? []
  const isKnown = entries.some((entry) => isGrant(entry) && entry.token === write.token)
  if (!isKnown && evidence.trailKind === 'complete' && evidence.loss === undefined)
    return 'a token that was never granted'
  for (const entry of entries) {
    if (entry.atUs >= write.atUs) continue
    if (isGrant(entry) && entry.token !== null && entry.token > write.token)
      return `after ${entry.token} was granted at ${whenUs(evidence, entry.atUs)}`
    // What its process gives up, with its presence, stays out of reach for others until a guard that has passed lets go: the check above.
    if (isEnd(entry, write.token) && acknowledged.isHold(write.counter, write.token) && !isGivenUp(entry, evidence))
      return `after its end at ${whenUs(evidence, entry.atUs)}`
  }
  return undefined
}

function isEnd({ oldToken, oldOwner, owner }: TrailEntry, token: number): boolean {
  return oldToken === token && oldOwner !== null && owner === null
}
