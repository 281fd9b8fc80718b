import { Acknowledged } from '../acknowledged.ts'
import { type Check, type Evidence, isGrant, type TrailEntry, when } from '../evidence.ts'
import { wasHindered } from '../hindered.ts'

/**
 * What an unheard grant may stay, when nothing hinders its being given back: "somebody holds it" must not be a lie for longer than two efforts take, since the
 * first may meet a conflict and is repeated within 200 ms; a failure is tidied up after.
 */
const GIVEN_BACK_WITHIN_US = { refused: 600_000, failed: 1_200_000, granted: 1_200_000 }

/** G6. Who is told "granted" holds something, and who is told anything else holds nothing. */
export const usableGrants: Check = {
  name: 'grants that were not usable',
  meaning:
    'a grant was over when it was told, or is not in the database; or a key stayed taken for a caller who was told that it was not (G6)',
  find: (evidence) => [...useless(evidence), ...phantoms(evidence), ...unheard(evidence)],
}

/** Told, and over already. */
function useless(evidence: Evidence): string[] {
  const { asks } = Acknowledged.of(evidence)
  return evidence.history.flatMap((event) => {
    if (event.e !== 'granted' || event.leftMs === null || event.leftMs > 0) return []
    const asked = asks.get(event.op)?.t ?? event.t
    // Whoever stands still while the answer comes finds the lease over, and is told so by `isExpired()`.
    if (wasHindered(evidence, event.process, { from: asked, until: event.t })) return []
    return [
      `${event.key}: ${event.op} was granted ${event.token} at ${when(evidence, event.t)}, with ${event.leftMs} ms left`,
    ]
  })
}

/** Told, and not in the database. */
function phantoms(evidence: Evidence): string[] {
  if (evidence.loss !== undefined || evidence.trailKind === 'sampled') return []
  const acknowledged = Acknowledged.of(evidence)
  const granted = new Set(
    [...evidence.trail.values()]
      .flat()
      .filter(isGrant)
      .map(({ key, token }) => `${key} ${token}`),
  )
  return evidence.history.flatMap((event) => {
    if (event.e !== 'granted' || !acknowledged.isHold(event.key, event.token)) return []
    // What is committed after the trail was read is not in it.
    const settledAt = event.tentative ? (acknowledged.committed.get(event.op) ?? event.t) : event.t
    if (settledAt > evidence.knownUntil || granted.has(`${event.key} ${event.token}`)) return []
    return [
      `${event.key}: ${event.op} was granted ${event.token} at ${when(evidence, event.t)}, which the database does not know`,
    ]
  })
}

/** In the database, and nobody was told, though somebody could have been. */
function unheard(evidence: Evidence): string[] {
  const acknowledged = Acknowledged.of(evidence)
  const byOwner = new Map([...acknowledged.asks.values()].map((ask) => [ask.owner, ask]))
  return [...evidence.trail.values()].flatMap((entries) =>
    entries.flatMap((entry, index) => {
      if (!isGrant(entry) || entry.owner === null || acknowledged.grantOf(entry.key, entry.token)) return []
      const ask = byOwner.get(entry.owner)
      const answer = ask && acknowledged.answers.get(ask.op)
      // Who asked for a session lock has no owner.
      if (ask === undefined || answer === undefined || answer.e === 'session granted') return []
      const at = entry.atUs - evidence.clockOffsetUs
      const until = Math.max(answer.t, at) + GIVEN_BACK_WITHIN_US[answer.e]
      // It may still be given back in time.
      if (until > evidence.knownUntil) return []
      const ended = endOf(entries, index, entry) - evidence.clockOffsetUs
      if (ended <= until || wasHindered(evidence, ask.process, { from: at, until })) return []
      return [
        `${entry.key}: ${ask.op} was told "${answer.e}" at ${when(evidence, answer.t)}, and kept ${entry.token} for ${((ended - at) / 1e6).toFixed(1)} s`,
      ]
    }),
  )
}

/** When its row said something else. Where rows are looked at, a look may come late: then, when that was asked for. */
function endOf(entries: readonly TrailEntry[], index: number, { token, expiresUs, atUs }: TrailEntry): number {
  const next = entries.slice(index + 1).find((later) => later.owner === null || later.token !== token)
  return Math.min(next?.toldUs ?? next?.atUs ?? Number.POSITIVE_INFINITY, expiresUs ?? atUs)
}
