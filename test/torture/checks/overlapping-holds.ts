import { Acknowledged } from '../acknowledged.ts'
import { type Check, type Evidence, isGrant, type TrailEntry, wasLive, whenUs } from '../evidence.ts'
import { isForced } from '../forced.ts'
import { isTakenFromGone } from '../presences.ts'
import { hadLetGo } from './let-go.ts'

/** G1. A key is granted while its row says, by the database's clock, that somebody holds it. */
export const overlappingHolds: Check = {
  name: 'holds overlap',
  meaning:
    'a key was granted while a lease on it was live by the database’s clock, and its holder had not asked for its release (G1)',
  find(evidence) {
    return [...evidence.trail.values()].flat().flatMap((entry) => {
      if (!isGrant(entry) || !wasLive(entry) || isRightful(entry, evidence)) return []
      return [
        `${entry.key}: ${entry.token} was granted at ${whenUs(evidence, entry.atUs)}, ${leftMs(entry)} ms before ${entry.oldToken} ended`,
      ]
    })
  },
}

/** Handed over by a release; taken from somebody who was gone; granted anew to the very attempt whose first answer was lost; or forced open, which takes a token, too. */
function isRightful(entry: TrailEntry, evidence: Evidence): boolean {
  const { key, oldToken, owner, oldOwner } = entry
  const acknowledged = Acknowledged.of(evidence)
  if (hadLetGo(entry, evidence) || isTakenFromGone(entry, evidence)) return true
  // What was given back between two looks is not seen to be free.
  if (evidence.trailKind === 'sampled' && !acknowledged.isHold(key, oldToken)) return true
  if (owner === null || evidence.trailKind === 'sampled') return isForced(entry, evidence)
  return owner === oldOwner && !acknowledged.isHold(key, oldToken)
}

function leftMs({ oldExpiresUs, atUs }: TrailEntry): number {
  return Math.round(((oldExpiresUs ?? atUs) - atUs) / 1000)
}
