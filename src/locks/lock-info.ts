import { ask } from '../engine/ask.ts'
import { boundsOf } from '../engine/bounds.ts'
import { checkKey } from '../key.ts'
import type { ListedKey } from '../store/lock-store.ts'
import type { LockContext } from './lock-context.ts'

/**
 * What the database knows of a key: for people, and for what they build to watch over their locks. It may have changed by the time that you read it, so
 * never decide by it who may do something: take the lock.
 */
export interface LockInfo {
  /** The key. */
  readonly key: string
  /** Whether somebody holds it, by the database's clock, when it was asked. */
  readonly isHeld: boolean
  /** Who holds it: the `label` of that factory, or `host:pid`. `null`: it is free. */
  readonly heldBy: string | null
  /** The fencing token of the last grant. */
  readonly token: number
  /** When it was granted, by the database's clock. `null`: it is free. */
  readonly acquiredAt: Date | null
  /** Milliseconds since then, by the database's clock. `null`: it is free. */
  readonly heldMs: number | null
  /** When the lease ends by itself, by the database's clock. `null`: it never does, or the key is free. */
  readonly expiresAt: Date | null
  /** Milliseconds until then. `null`: it never ends by itself; 0: the key is free. */
  readonly remainingMs: number | null
  /** How often it was extended or renewed since it was granted; 0 for a free key, and on a table without migration `0003_verrou_renewals`. */
  readonly renewals: number
  /**
   * Whether somebody waits for it. A hint: whoever has waited for some moments leaves a mark, which stays until the next grant, also if that
   * one has given up.
   */
  readonly isWanted: boolean
}

/** See `LockFactory.inspect`. */
export async function inspectLock({ rootStore, engine }: LockContext, key: string): Promise<LockInfo | null> {
  checkKey(key)
  const { timing } = engine
  const state = await ask(() => rootStore.inspect(key), timing, boundsOf(timing.clock, Infinity))
  return state && lockInfoOf({ ...state, key })
}

/** What a store knows, as people want to see it. */
export function lockInfoOf(known: ListedKey): LockInfo {
  const { key, token, isHeld, nowUs, acquiredAtUs, remainingUs } = known
  if (!isHeld) {
    const free = { heldBy: null, acquiredAt: null, heldMs: null, expiresAt: null, remainingMs: 0, renewals: 0 }
    return Object.freeze({ key, token, isHeld, ...free, isWanted: false })
  }
  return Object.freeze({
    ...{ key, token, isHeld },
    heldBy: known.heldBy,
    acquiredAt: dateOf(acquiredAtUs),
    // The database's clock may have been set back.
    heldMs: Math.max(0, (nowUs - acquiredAtUs) / 1000),
    expiresAt: remainingUs === null ? null : dateOf(nowUs + remainingUs),
    remainingMs: remainingUs === null ? null : remainingUs / 1000,
    renewals: known.renewals ?? 0,
    isWanted: known.isWanted,
  })
}

/** Only here does a moment of the database's clock become a time of day. */
function dateOf(momentUs: number): Date {
  return new Date(Math.floor(momentUs / 1000))
}
