import type { Clock } from '../clock.ts'
import type { PresenceSource } from '../store/lock-store.ts'
import type { HeldLease } from './held-lease.ts'

/** Below this many, looking for forgotten holds is not worth it. */
const LEAST_SWEEP = 256

/** What ends holds before their time. */
export interface HoldLosses {
  /** Missing: nothing does. */
  readonly presence: PresenceSource | undefined
  /** Called for each hold whose presence is gone. */
  lost(held: HeldLease): void
}

/**
 * The holds of one factory, so that closing it can release them. A hold whose owner forgot about it leaves when its
 * time is over: the set never grows beyond twice the live ones.
 */
export class HoldRegistry {
  readonly #clock: Clock
  readonly #holds = new Set<HeldLease>()
  readonly #losses: HoldLosses | undefined
  #sweepAt = LEAST_SWEEP
  /** Ends the listening to losses, which goes on while there are holds: a store must not keep factories that were left alone. */
  #stopListening: (() => void) | undefined

  constructor(clock: Clock, losses?: HoldLosses) {
    this.#clock = clock
    this.#losses = losses
  }

  add(held: HeldLease): void {
    this.#holds.add(held)
    if (this.#losses) this.#listen(this.#losses)
    if (this.#holds.size >= this.#sweepAt) this.sweep()
  }

  delete(held: HeldLease): void {
    this.#holds.delete(held)
    if (this.#stopListening) this.#listenNoMore()
  }

  all(): HeldLease[] {
    return [...this.#holds]
  }

  /** Forgets the holds whose time is over. */
  sweep(): void {
    const nowMs = this.#clock.nowMs()
    for (const held of this.#holds) {
      if (held.deadlineMs > nowMs) continue
      this.#holds.delete(held)
      held.noticeExpiry()
    }
    this.#sweepAt = Math.max(LEAST_SWEEP, this.#holds.size * 2)
    if (this.#stopListening) this.#listenNoMore()
  }

  #listen({ presence, lost }: HoldLosses): void {
    this.#stopListening ??= presence?.onGone((gone) => {
      for (const held of this.all()) if (held.presence === gone) lost(held)
    })
  }

  #listenNoMore(): void {
    if (this.#holds.size > 0) return
    this.#stopListening?.()
    this.#stopListening = undefined
  }
}
