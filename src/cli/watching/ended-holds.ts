import type { LockInfo } from '../../index.ts'

/** A hold that was there at one look, and gone at the next. */
export interface EndedHold {
  readonly key: string
  readonly heldBy: string | null
  readonly token: number
  /** Milliseconds since the epoch, by the database's clock. */
  readonly fromMs: number
  /** No later than this: it may have ended up to a look earlier. */
  readonly toMs: number
  /** Its time was over: nobody released it. */
  readonly hasRunOut: boolean
}

/**
 * The holds that ended between two looks. Each hold has a token of its own, so that a key that was handed on is seen, too; a hold that began and
 * ended between two looks is not.
 *
 * @param nowMs of the later look, by the database's clock
 */
export function endedHolds(
  before: ReadonlyMap<string, LockInfo>,
  after: ReadonlyMap<string, LockInfo>,
  nowMs: number,
): EndedHold[] {
  const ended: EndedHold[] = []
  for (const lock of before.values()) {
    if (!lock.isHeld || lock.acquiredAt === null) continue
    const next = after.get(lock.key)
    if (next?.isHeld && next.token === lock.token) continue
    ended.push(endedHold(lock, lock.acquiredAt.getTime(), next, nowMs))
  }
  return ended
}

function endedHold(
  { key, heldBy, token, expiresAt }: LockInfo,
  fromMs: number,
  next: LockInfo | undefined,
  nowMs: number,
) {
  const expiresMs = expiresAt?.getTime() ?? Infinity
  const endedByMs = (next?.isHeld && next.acquiredAt?.getTime()) || nowMs
  const hasRunOut = expiresMs <= endedByMs
  return { key, heldBy, token, fromMs, toMs: Math.max(fromMs, Math.min(endedByMs, expiresMs)), hasRunOut }
}
