import { Acknowledged } from '../acknowledged.ts'
import { type Check, type Evidence, type TrailEntry, whenUs } from '../evidence.ts'
import { isForced } from '../forced.ts'
import { isTakenOver, Presences } from '../presences.ts'
import { hadLetGo } from './let-go.ts'

/** A network that falls silent is found out by the heartbeat, within 15 s. */
const HEARD_WITHIN_US = 16_000_000

/** A process that is there is not robbed: what it holds ends early when it is gone, or its presence, of which it is told. */
export const robbedProcesses: Check = {
  name: 'the living were robbed',
  meaning:
    'a lease was taken over as that of a process which is gone, and the server still had its presence afterwards, or the process lived on and never heard of a loss (G1)',
  find(evidence) {
    return [...evidence.trail.values()].flat().flatMap((entry) => {
      if (!isTakenOver(entry, evidence) || hadLetGo(entry, evidence) || isForced(entry, evidence)) return []
      const wrong = wrongWith(entry, evidence)
      return wrong
        ? [`${entry.key}: ${entry.oldToken} was taken over at ${whenUs(evidence, entry.atUs)}, and ${wrong}`]
        : []
    })
  },
}

function wrongWith(entry: TrailEntry, evidence: Evidence): string | undefined {
  const at = entry.atUs - evidence.clockOffsetUs
  const acknowledged = Acknowledged.of(evidence)
  const grant = acknowledged.grantOf(entry.key, entry.oldToken)
  // What nobody was told of may have been given back between two looks.
  if (grant === undefined && evidence.trailKind === 'sampled') return undefined
  if (!Presences.of(evidence).wasGone(entry.oldAttempt, at)) return 'the presence of its holder was still there'
  if (grant === undefined) return undefined
  const { process, t } = grant
  // A process that has no more to say is gone, or does not say so because it is paused.
  if ((acknowledged.lastWords.get(process)?.t ?? 0) <= at + HEARD_WITHIN_US) return undefined
  const heardAt = acknowledged.lostPresence(process, { from: t, until: at + HEARD_WITHIN_US })
  return heardAt === undefined ? `${process} lived on, and was told of no loss` : undefined
}
