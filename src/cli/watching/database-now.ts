import type { LockInfo } from '../../index.ts'

/**
 * The database's clock, as far as looks at locks tell of it: each hold comes with its begin and its age. Until the first one, the clock of this
 * machine stands in.
 */
export class DatabaseNow {
  #offsetMs = Date.now() - performance.now()

  /** Milliseconds since the epoch. */
  get nowMs(): number {
    return Math.round(this.#offsetMs + performance.now())
  }

  /** Learns from a look that has just been answered. */
  follow(locks: Iterable<LockInfo>): void {
    let latestMs = 0
    for (const { acquiredAt, heldMs } of locks) {
      if (acquiredAt !== null && heldMs !== null) latestMs = Math.max(latestMs, acquiredAt.getTime() + heldMs)
    }
    if (latestMs > 0) this.#offsetMs = latestMs - performance.now()
  }
}
