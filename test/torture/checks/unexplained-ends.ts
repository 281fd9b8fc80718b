import { Acknowledged } from '../acknowledged.ts'
import { type Check, type Evidence, isGrant, type TrailEntry, wasLive, whenUs } from '../evidence.ts'
import { isForced } from '../forced.ts'
import { isGivenUp } from '../presences.ts'
import { hadLetGo } from './let-go.ts'

/** Between the moment for which a statement decides, and the trigger that notes it, a busy machine may take this long. */
const TOLERANCE_US = 250_000

/** A hold ends when its holder lets go, when it is forced open, when its time is over, or when its process has lost its presence; and then it has ended. */
export const unexplainedEnds: Check = {
  name: 'holds ended or came back by themselves',
  meaning:
    'a live hold was ended that neither its holder released nor anybody forced open, or an expired one was extended (G1, G6)',
  find(evidence) {
    return [...evidence.trail.values()].flat().flatMap((entry) => {
      const wrong = wrongWith(entry, evidence)
      return wrong ? [`${entry.key}: ${entry.oldToken} ${wrong} at ${whenUs(evidence, entry.atUs)}`] : []
    })
  },
}

function wrongWith(entry: TrailEntry, evidence: Evidence): string | undefined {
  const { key, oldToken, token, owner } = entry
  if (isGrant(entry)) return undefined
  if (isRevived(entry, evidence)) return 'was over, and was extended'
  if (!wasLive(entry)) return undefined
  const acknowledged = Acknowledged.of(evidence)
  // Released, or given back, and removed between two looks.
  const isSeen = evidence.trailKind === 'complete' || (acknowledged.isHold(key, oldToken) && !hadLetGo(entry, evidence))
  if (token === null) return isSeen ? 'was removed while it was held' : undefined
  if (owner !== null) return undefined
  if (!acknowledged.isHold(key, oldToken) || hadLetGo(entry, evidence)) return undefined
  return isForced(entry, evidence) || isGivenUp(entry, evidence) ? undefined : 'was ended by nobody'
}

/** The longest lease that work asks for. */
const LONGEST_TTL_US = 4_000_000

function isRevived(entry: TrailEntry, { trailKind }: Evidence): boolean {
  const { oldOwner, owner, oldExpiresUs, expiresUs, atUs } = entry
  if (oldOwner === null || owner === null || oldExpiresUs === null || expiresUs === null) return false
  // MySQL goes by the start of the statement, which may have waited: only an end too far away tells that it began too late.
  if (trailKind === 'sampled') return expiresUs - LONGEST_TTL_US > oldExpiresUs
  return oldExpiresUs < atUs - TOLERANCE_US && expiresUs > atUs
}
