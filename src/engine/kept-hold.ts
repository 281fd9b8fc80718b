import type { LeaseHold } from '../store/lock-store.ts'

/** A hold as its keeper knows it. */
export interface KeptHold extends LeaseHold {
  /** The TTL in force, microseconds; `null`: never ends by itself. */
  ttlUs: number | null
  /**
   * Until when holding can be proven, by the local monotonic clock; `Infinity`: for ever; `-Infinity`: nothing is
   * proven yet, as for a lock that was restored in another process.
   */
  deadlineMs: number
  /** The call of acquire that won it, if that was one of this process. */
  readonly attempt: string | undefined
  /** See `Grant.wasUnheard`. */
  readonly wasUnheard: boolean
  /** A release was sent whose answer nobody heard. */
  isReleaseUnconfirmed: boolean
  /** A transaction has guarded it, and may still be open. */
  isGuarded: boolean
  /** See `Grant.handOvers` and `Grant.isWanted`. */
  readonly handOvers: number
  readonly isWanted: boolean
}
