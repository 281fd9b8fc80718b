import type { Clock } from '../clock.ts'
import type { HeldLease } from './held-lease.ts'

/** Below this many, looking for forgotten holds is not worth it. */
const LEAST_SWEEP = 256

/**
 * The holds of one factory, so that closing it can release them. A hold whose owner forgot about it leaves when its
 * time is over: the set never grows beyond twice the live ones.
 */
export class HoldRegistry {
  readonly #clock: Clock
  readonly #holds = new Set<HeldLease>()
  #sweepAt = LEAST_SWEEP

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(held: HeldLease): void {
    this.#holds.add(held)
    if (this.#holds.size >= this.#sweepAt) this.#sweep()
  }

  delete(held: HeldLease): void {
    this.#holds.delete(held)
  }

  all(): HeldLease[] {
    return [...this.#holds]
  }

  #sweep(): void {
    const nowMs = this.#clock.nowMs()
    for (const held of this.#holds) if (held.deadlineMs <= nowMs) this.#holds.delete(held)
    this.#sweepAt = Math.max(LEAST_SWEEP, this.#holds.size * 2)
  }
}
