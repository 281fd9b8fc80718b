import { Acknowledged } from '../acknowledged.ts'
import { type Check, type Evidence, isLossFelt, type Span, when } from '../evidence.ts'
import { isTakenFromGone } from '../presences.ts'
import { wasThrownOut } from './thrown-out.ts'

/** What holders believe of each other is compared to the millisecond or so. */
const TOLERANCE_US = 5_000

/** A hold as its holder knew it: from its being told to its deadline, or its letting go. By the shared clock alone. */
interface Belief extends Span {
  readonly key: string
  readonly token: number
  readonly op: string
}

/**
 * G1, G4. The holders' own knowledge, without asking the database: from "granted" to the local deadline or the release, dead holders
 * included. No two of a key may overlap.
 */
export const overlappingBeliefs: Check = {
  name: 'believed holds overlap',
  meaning:
    'a key was granted to one process while another one’s own deadline had not come, which had not let go (G1, G4, G5)',
  find(evidence) {
    const byKey = Map.groupBy(beliefsOf(evidence), ({ key }) => key)
    return [...byKey.values()].flatMap((beliefs) => overlapsIn(evidence, beliefs))
  },
}

function beliefsOf(evidence: Evidence): Belief[] {
  const acknowledged = Acknowledged.of(evidence)
  const untils = untilsOf(evidence)
  return evidence.history.flatMap((event) => {
    if (event.e !== 'granted' || event.leftMs === null || !acknowledged.isHold(event.key, event.token)) return []
    // Where a token was set ahead, the next grant has the token of one that was rolled back.
    if (event.tentative && !acknowledged.committed.has(event.op)) return []
    if (isLossFelt(evidence, event.t)) return []
    const deadline = Math.max(event.t + event.leftMs * 1000, untils.get(`${event.key} ${event.token}`) ?? 0)
    const released = acknowledged.releaseOf(event.key, event.token) ?? Number.POSITIVE_INFINITY
    // What is taken within a transaction names no presence.
    const lost = event.tentative
      ? undefined
      : acknowledged.lostPresence(event.process, { from: event.t, until: deadline })
    const until = Math.min(deadline, released, lost ?? Number.POSITIVE_INFINITY)
    return [{ key: event.key, token: event.token, op: event.op, from: event.t, until }]
  })
}

/** The latest deadline that each hold was seen with. */
function untilsOf({ history }: Evidence): Map<string, number> {
  const untils = new Map<string, number>()
  for (const event of history) {
    if (event.e !== 'alive' || event.leftMs === null) continue
    const name = `${event.key} ${event.token}`
    untils.set(name, Math.max(untils.get(name) ?? 0, event.t + event.leftMs * 1000))
  }
  return untils
}

/** For as long as somebody may believe in what is anybody's, another check looks. */
function wasTakenFromGone(evidence: Evidence, { key, token }: Belief): boolean {
  const entries = evidence.trail.get(key) ?? []
  return entries.some((entry) => entry.oldToken === token && isTakenFromGone(entry, evidence))
}

function overlapsIn(evidence: Evidence, beliefs: Belief[]): string[] {
  let last: Belief | undefined
  return beliefs
    .sort((one, other) => one.from - other.from)
    .flatMap((belief) => {
      const earlier = last
      if (last === undefined || belief.until > last.until) last = belief
      if (earlier === undefined || belief.from >= earlier.until - TOLERANCE_US) return []
      // Who was told first need not be who was granted first: the answer to one can have come late, after it had been thrown out.
      const former = earlier.token < belief.token ? earlier : belief
      if (wasThrownOut(evidence, former, belief.from) || wasTakenFromGone(evidence, former)) return []
      const overlapMs = Math.round((earlier.until - belief.from) / 1000)
      return [
        `${belief.key}: ${belief.op} was granted ${belief.token} at ${when(evidence, belief.from)}, ${overlapMs} ms before ${earlier.op} (${earlier.token}) would have let go`,
      ]
    })
}
