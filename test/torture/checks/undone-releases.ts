import { type Check, type Evidence, type TrailEntry, when } from '../evidence.ts'

/** A release that was confirmed has ended the hold. */
export const undoneReleases: Check = {
  name: 'releases that did nothing',
  meaning: 'a release was confirmed, and the row still names the hold',
  find(evidence) {
    if (evidence.loss !== undefined) return []
    return evidence.history.flatMap((event) => {
      if (
        event.e !== 'released' ||
        event.code !== 'ok' ||
        event.t > evidence.knownUntil ||
        hasEnded(evidence, event.key, event.token)
      )
        return []
      return [`${event.key}: the release of ${event.token} was confirmed at ${when(evidence, event.t)}`]
    })
  },
}

function hasEnded({ trail, trailKind }: Evidence, key: string, token: number): boolean {
  const entries = trail.get(key) ?? []
  // What came and went between two looks was never seen.
  const isUnseen = trailKind === 'sampled' && !entries.some((entry) => entry.token === token && entry.owner !== null)
  return isUnseen || entries.some((entry) => ends(entry, token))
}

function ends({ oldToken, owner, token }: TrailEntry, ended: number): boolean {
  return oldToken === ended && (owner === null || token !== ended)
}
