import { Acknowledged } from '../acknowledged.ts'
import { type Check, isGrant, type TrailEntry, wasLive, whenUs } from '../evidence.ts'

/** G1. A key is granted while its row says, by the database's clock, that somebody holds it. */
export const overlappingHolds: Check = {
  name: 'holds overlap',
  meaning:
    'a key was granted while a lease on it was live by the database’s clock, and its holder had not asked for its release (G1)',
  find(evidence) {
    const acknowledged = Acknowledged.of(evidence)
    return [...evidence.trail.values()].flat().flatMap((entry) => {
      if (!isGrant(entry) || !wasLive(entry) || isRightful(entry, acknowledged)) return []
      return [
        `${entry.key}: ${entry.token} was granted at ${whenUs(evidence, entry.atUs)}, ${leftMs(entry)} ms before ${entry.oldToken} ended`,
      ]
    })
  },
}

/** Handed over by a release, or granted anew to the very attempt whose first answer was lost. */
function isRightful(entry: TrailEntry, acknowledged: Acknowledged): boolean {
  const { key, oldToken, owner, oldOwner } = entry
  if (acknowledged.releaseOf(key, oldToken) !== undefined) return true
  return owner === oldOwner && !acknowledged.isHold(key, oldToken)
}

function leftMs({ oldExpiresUs, atUs }: TrailEntry): number {
  return Math.round(((oldExpiresUs ?? atUs) - atUs) / 1000)
}
