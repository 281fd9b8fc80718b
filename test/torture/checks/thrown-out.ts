import { Acknowledged } from '../acknowledged.ts'
import type { Evidence } from '../evidence.ts'
import { LONGEST_CALL_US } from '../forced.ts'

/**
 * Whether this hold can have been ended by force before this time: who is thrown out is not told. Keys that many want are forced open every
 * few seconds, which would excuse nearly everything there: a complete trail shows whether it was this hold.
 */
export function wasThrownOut(
  evidence: Evidence,
  { key, token }: { readonly key: string; readonly token: number },
  until: number,
): boolean {
  const acknowledged = Acknowledged.of(evidence)
  const grantedAt = acknowledged.grantOf(key, token)?.t ?? 0
  if (!acknowledged.wasForced(key, grantedAt - LONGEST_CALL_US, until)) return false
  if (evidence.trailKind === 'sampled' || evidence.loss !== undefined || until > evidence.knownUntil) return true
  const entries = evidence.trail.get(key) ?? []
  return entries.some((entry) => entry.oldToken === token && entry.owner === null && entry.token !== token)
}
