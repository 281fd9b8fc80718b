import { jittered } from '../backoff.ts'
import type { Timing } from './ask.ts'
import type { PauseWish } from './waiting.ts'

/**
 * Without wake-ups from other processes: the first pauses are this short, since many locks are held for moments only,
 * and double up to the caller's `delay`.
 */
const FIRST_POLL_MS = 5
/** Transactions are short: one that has a row locked is first looked at again after this time. */
const ROW_LOCK_MS = 20
/** Who pauses for less need not mark at first that it waits: most locks are free again by its next look. */
const MARK_FROM_MS = 50
/**
 * Who polls marks no more often than this: a grant takes the mark away, and each mark is followed by a short pause, so that it looks
 * while the others yield to it.
 */
const MARK_EVERY_MS = 500
/** How long the own waiters hold back after a release that is meant for others: those need a wake-up and a try, or a poll and a try. */
const YIELD_MS = 10
const YIELD_TO_POLLERS_MS = 150

/** How often who has polled for long looks while the others hold back: those who have just come poll as often, and would take its turn. */
const LOOK_MS = 25

/** How long the own waiters hold back. @param isHeard the others hear of the release */
export function yieldMs(isHeard: boolean): number {
  return isHeard ? YIELD_MS : YIELD_TO_POLLERS_MS
}

/** How long the first one in a line pauses after each refusal, and when it marks that it waits. */
export class Pauses {
  readonly #timing: Timing
  #polls = 0
  #rowLocks = 0
  #nextMarkMs = Number.NEGATIVE_INFINITY
  #yieldedUntilMs = Number.NEGATIVE_INFINITY
  #refusedSinceMs: number | undefined

  constructor(timing: Timing) {
    this.#timing = timing
  }

  /** @param isHearing releases by other processes are heard: no need to look often */
  nextMs({ mostMs, isCounted }: PauseWish, isHearing: boolean): number {
    const { chance } = this.#timing
    // Whose tries are counted says exactly when the next one is due.
    if (isCounted) return mostMs
    if (isHearing) return jittered(mostMs, chance)
    return jittered(Math.min(mostMs, FIRST_POLL_MS * 2 ** this.#polls++), chance)
  }

  /** For a row that is locked. Most transactions are over in a moment; for one that is not, pauses double. The mark is still due. */
  nextForRowLockMs(): number {
    this.#nextMarkMs = Number.NEGATIVE_INFINITY
    return ROW_LOCK_MS * 2 ** this.#rowLocks++
  }

  /** For one that polls: how long it pauses while the others may be holding back for it. */
  whileYieldedMs(isMarked: boolean): number {
    const { clock, chance } = this.#timing
    const nowMs = clock.nowMs()
    if (isMarked) this.#yieldedUntilMs = nowMs + YIELD_TO_POLLERS_MS
    if (nowMs >= this.#yieldedUntilMs) return Number.POSITIVE_INFINITY
    return jittered(this.#isRefusedForLong(nowMs) ? LOOK_MS : YIELD_TO_POLLERS_MS, chance)
  }

  /** The row was not locked. */
  rowWasFree(): void {
    this.#rowLocks = 0
  }

  /** Whoever hears is told by every release of a marked key, and marks whenever it was refused. */
  isMarkDue(pauseMs: number, isHearing: boolean): boolean {
    if (isHearing) return true
    const nowMs = this.#timing.clock.nowMs()
    // However short its pauses are: who has been refused for long has met others that hand the key on among themselves.
    this.#refusedSinceMs ??= nowMs
    if ((pauseMs < MARK_FROM_MS && !this.#isRefusedForLong(nowMs)) || nowMs < this.#nextMarkMs) return false
    this.#nextMarkMs = nowMs + MARK_EVERY_MS
    return true
  }

  #isRefusedForLong(nowMs: number): boolean {
    return this.#refusedSinceMs !== undefined && nowMs - this.#refusedSinceMs >= MARK_EVERY_MS
  }
}
