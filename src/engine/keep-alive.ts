import { backoffMs } from '../backoff.ts'
import { errors, isLockError } from '../errors.ts'
import type { LockStore, RenewalAnswer } from '../store/lock-store.ts'
import { asTrouble } from '../store-trouble.ts'
import { storageErrorOf, type Timing } from './ask.ts'
import { boundsOf, OutOfTime } from './bounds.ts'
import type { Extension } from './keep.ts'
import type { KeptHold } from './kept-hold.ts'

/** A hold as the renewals see it. */
export interface RenewedHold extends KeptHold {
  /** Somebody works under it: the process must not end in between. */
  readonly isAtWork: boolean
  /** An extension is on its way. */
  readonly isExtending: boolean
  /** Whether holding cannot be proven any more. */
  isOver(): boolean
  /** One extension after the other: see `HeldLease.extendInTurn`. */
  extendInTurn<Result>(extend: () => Promise<Result>): Promise<Result>
  /** The store said that it lasts `ttlUs` from then. */
  renewed(extension: Extension, ttlUs: number): void
  /** The store said that it is not this hold any more. */
  lose(): void
}

/** What renewing works with. */
export interface RenewingParts {
  readonly store: Pick<LockStore, 'extendAll'>
  readonly timing: Timing
  /** Called when a hold was lost: somebody else may want to ask for its key. */
  readonly lost?: (key: string) => void
  /** Called when the store had no answer for these holds: each is tried again while there is time. */
  readonly failed?: (holds: readonly RenewedHold[], error: Error) => void
}

/** Renewals of several holds that are due at about the same time leave together: a fifth of a third of the TTL early. */
const TOGETHER = 0.2

/** A renewal that is not answered within a quarter of the TTL is tried again, on another connection if the store can. */
const LEAST_PATIENCE_MS = 250
const MOST_PATIENCE_MS = 5_000

interface Kept {
  readonly hold: RenewedHold
  /** Until when it is renewed at most, by the local clock. */
  readonly endMs: number
  dueMs: number
  failures: number
  isUnderWay: boolean
}

/**
 * Renews the holds of a factory, each at about a third of its TTL: one statement for all that are due. There are four answers.
 *
 * - renewed: the TTL counts again, from before the statement was sent
 * - lost: the hold ends, and its signal aborts
 * - held: it is ours, but its row is locked, as by a transaction that guards it. Tried again soon
 * - unknown: no answer, or an error. That proves nothing: tried again while there is time
 *
 * Whatever the answers, and also if there is none: the hold's own deadline decides, and its signal aborts then.
 */
export class KeepAlive {
  readonly #parts: RenewingParts
  readonly #kept = new Map<RenewedHold, Kept>()
  #nextMs = Number.POSITIVE_INFINITY
  #cancelTimer: () => void = () => {}

  constructor(parts: RenewingParts) {
    this.#parts = parts
  }

  /** From now on the hold is renewed, but not beyond `endMs` by the local clock. */
  keep(hold: RenewedHold, endMs = Number.POSITIVE_INFINITY): void {
    const kept: Kept = { hold, endMs, dueMs: 0, failures: 0, isUnderWay: false }
    this.#kept.set(hold, kept)
    this.#plan(kept)
    if (kept.dueMs < this.#nextMs) this.#arm()
  }

  /** Whether it is renewed. */
  keeps(hold: RenewedHold): boolean {
    return this.#kept.has(hold)
  }

  /** It is released, or over. What is on its way is not looked at any more. */
  stop(hold: RenewedHold): void {
    this.#kept.delete(hold)
    // With others left, the timer may ring for nothing; looking for the next one at each release would cost more.
    if (this.#kept.size === 0) this.#arm()
  }

  /** The hold was extended by hand: its next renewal counts from there. */
  extended(hold: RenewedHold): void {
    const kept = this.#kept.get(hold)
    if (!kept) return
    this.#plan(kept)
    this.#arm()
  }

  close(): void {
    this.#kept.clear()
    this.#cancelTimer()
  }

  /** At a third of the TTL, or a little earlier by chance, so that the processes of an app do not come all at once. */
  #plan(kept: Kept): void {
    const { ttlUs, deadlineMs } = kept.hold
    if (ttlUs === null) {
      kept.dueMs = Number.POSITIVE_INFINITY
      return
    }
    const thirdMs = ttlUs / 3_000
    kept.dueMs = deadlineMs - ttlUs / 1000 + thirdMs * (1 - 0.1 * this.#parts.timing.chance())
    // It lasts until its end already, but for what rounding to microseconds takes away.
    if (deadlineMs >= kept.endMs - 1) kept.dueMs = Number.POSITIVE_INFINITY
  }

  #arm(): void {
    this.#cancelTimer()
    const waiting = [...this.#kept.values()].filter(({ isUnderWay }) => !isUnderWay)
    this.#nextMs = waiting.reduce((nextMs, { dueMs }) => Math.min(nextMs, dueMs), Number.POSITIVE_INFINITY)
    if (this.#nextMs === Number.POSITIVE_INFINITY) return
    const { clock } = this.#parts.timing
    const isAtWork = waiting.some(({ hold }) => hold.isAtWork)
    this.#cancelTimer = clock.after(Math.max(0, this.#nextMs - clock.nowMs()), () => this.#renewDue(), isAtWork)
  }

  #renewDue(): void {
    const nowMs = this.#parts.timing.clock.nowMs()
    const due: Kept[] = []
    for (const kept of this.#kept.values()) {
      const { hold, isUnderWay, dueMs } = kept
      if (isUnderWay || hold.ttlUs === null || dueMs - nowMs > (hold.ttlUs / 3_000) * TOGETHER) continue
      if (hold.isOver() || nowMs >= kept.endMs) this.#kept.delete(hold)
      // Extended by hand at this moment, which says when it is due next.
      else if (hold.isExtending) kept.dueMs = nowMs + this.#retryMs(kept)
      else due.push(kept)
    }
    if (due.length > 0) void this.#renew(due)
    this.#arm()
  }

  async #renew(due: readonly Kept[]): Promise<void> {
    const { store, timing } = this.#parts
    const sentAtMs = timing.clock.nowMs()
    const renewals = due.map(({ hold, endMs }) => ({ hold, ttlUs: ttlWithin(hold, endMs - sentAtMs) }))
    const patienceMs = patienceFor(due)
    for (const [index, kept] of due.entries()) {
      kept.isUnderWay = true
      // If the answer gets lost, a shorter TTL may be in force already.
      const { hold, ttlUs } = renewals[index] as { hold: RenewedHold; ttlUs: number }
      hold.deadlineMs = Math.min(hold.deadlineMs, sentAtMs + ttlUs / 1000)
    }
    const bounds = boundsOf(timing.clock, patienceMs)
    const answers = bounds.race(store.extendAll(renewals, patienceMs)).catch((error: unknown): undefined => {
      const holds = due.map(({ hold }) => hold)
      this.#parts.failed?.(holds, renewalError(error, patienceMs))
    })
    for (const { hold } of due) void hold.extendInTurn(() => answers)

    const heard = await answers
    for (const [index, kept] of due.entries()) {
      kept.isUnderWay = false
      // Stopped meanwhile: its release may be what was found.
      if (this.#kept.get(kept.hold) === kept)
        this.#heed(kept, heard?.[index], { sentAtMs, ttlUs: renewals[index]?.ttlUs ?? 0 })
    }
    this.#arm()
  }

  #heed(
    kept: Kept,
    answer: RenewalAnswer | undefined,
    { sentAtMs, ttlUs }: { readonly sentAtMs: number; readonly ttlUs: number },
  ): void {
    const { hold } = kept
    if (answer?.kind === 'renewed' && this.#parts.timing.clock.nowMs() < sentAtMs + ttlUs / 1000) {
      kept.failures = 0
      hold.renewed({ extendedAtUs: answer.atUs, sentAtMs }, ttlUs)
      this.#plan(kept)
    } else if (answer?.kind === 'lost') {
      this.#kept.delete(hold)
      hold.lose()
      this.#parts.lost?.(hold.key)
    } else {
      if (answer === undefined) kept.failures++
      kept.dueMs = this.#parts.timing.clock.nowMs() + this.#retryMs(kept)
    }
  }

  /** Soon, but not so often that it is a burden: there is time for several more. */
  #retryMs({ hold, failures }: Kept): number {
    const ttlMs = (hold.ttlUs ?? 0) / 1000
    return 5 + backoffMs(1 + Math.min(failures, 5), ttlMs / 100, Math.min(ttlMs / 10, 1_000), this.#parts.timing.chance)
  }
}

function renewalError(error: unknown, withinMs: number): Error {
  if (isLockError(error)) return error
  if (!(error instanceof OutOfTime)) return storageErrorOf(asTrouble(error))
  return new errors.E_LOCK_STORAGE_ERROR(`the database did not answer a renewal within ${Math.round(withinMs)} ms`)
}

/** The TTL of the hold, but not beyond what is left. */
function ttlWithin({ ttlUs }: RenewedHold, leftMs: number): number {
  return Math.max(1, Math.min(ttlUs ?? Number.POSITIVE_INFINITY, Math.floor(leftMs * 1000)))
}

function patienceFor(due: readonly Kept[]): number {
  const shortestMs = due.reduce((leastMs, { hold }) => Math.min(leastMs, (hold.ttlUs ?? 0) / 1000), Infinity)
  return Math.min(Math.max(shortestMs / 4, LEAST_PATIENCE_MS), MOST_PATIENCE_MS)
}
