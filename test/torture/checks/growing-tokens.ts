import { Acknowledged } from '../acknowledged.ts'
import { type Check, type Evidence, isGrant, whenUs } from '../evidence.ts'

/** G2. Tokens of a key only grow: through releases, expiry, pruning, restarts and failovers. */
export const growingTokens: Check = {
  name: 'tokens did not grow',
  meaning: 'a grant’s token was not higher than every earlier one of its key (G2)',
  find: (evidence) => [...inTheTrail(evidence), ...asTold(evidence)],
}

function inTheTrail(evidence: Evidence): string[] {
  return [...evidence.trail].flatMap(([key, entries]) => {
    let highest = 0
    return entries.flatMap((entry) => {
      const before = Math.max(highest, entry.oldToken ?? 0)
      highest = Math.max(before, entry.token ?? 0)
      if (entry.token === null || (isGrant(entry) ? entry.token > before : entry.token >= before)) return []
      return [`${key}: ${entry.token} after ${before}, at ${whenUs(evidence, entry.atUs)}`]
    })
  })
}

/** By the answers alone: who asked after another one had been told has the higher token. It needs no trail, which a failover may lose. */
function asTold(evidence: Evidence): string[] {
  const acknowledged = Acknowledged.of(evidence)
  const told = new Map<string, { t: number; highest: number }[]>()
  return evidence.history.flatMap((event) => {
    if (event.e !== 'granted' || (event.tentative && !acknowledged.committed.has(event.op))) return []
    const earlier = told.get(event.key) ?? []
    told.set(event.key, earlier)
    const asked = acknowledged.asks.get(event.op)?.t ?? event.t
    const before = earlier.findLast(({ t }) => t < asked)
    earlier.push({ t: event.t, highest: Math.max(earlier.at(-1)?.highest ?? 0, event.token) })
    return before && before.highest >= event.token
      ? [`${event.key}: ${event.process} was told ${event.token}, after somebody had been told ${before.highest}`]
      : []
  })
}
