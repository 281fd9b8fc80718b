import type { LockInfo } from '../../index.ts'
import type { LockWatch } from '../watching/lock-watch.ts'

/** What `verrou top` can be sorted by; each has a key of the keyboard, its first letter. */
export const SORTS = ['held', 'left', 'waited', 'key'] as const

export type Sort = (typeof SORTS)[number]

/** The locks that are held: longest first, or what ends soonest, or by key. */
export function sortedLocks({ look, waits }: LockWatch, sort: Sort): LockInfo[] {
  const held = [...look.locks.values()].filter(({ isHeld }) => isHeld)
  const byAge = (a: LockInfo, b: LockInfo) => (b.heldMs ?? 0) - (a.heldMs ?? 0)
  const byKey = (a: LockInfo, b: LockInfo) => (a.key < b.key ? -1 : 1)
  const orders: Record<Sort, (a: LockInfo, b: LockInfo) => number> = {
    held: byAge,
    left: (a, b) => (a.remainingMs ?? Number.MAX_VALUE) - (b.remainingMs ?? Number.MAX_VALUE),
    waited: (a, b) => sinceOf(waits, a) - sinceOf(waits, b) || byAge(a, b),
    key: byKey,
  }
  return held.sort((a, b) => orders[sort](a, b) || byKey(a, b))
}

function sinceOf(waits: LockWatch['waits'], { key }: LockInfo): number {
  return waits.sinceMs(key) ?? Number.MAX_VALUE
}
