import type { LockInfo } from '../../index.ts'

/** A wait that ended with somebody being granted the key. */
export interface EndedWait {
  readonly key: string
  /** From the look that first saw the mark to the grant: up to a look less than it was. */
  readonly waitedMs: number
}

/**
 * Since when keys are waited for, as far as looks can tell. A waiter leaves a mark at the key: that somebody waits, not who, nor how many; and whoever
 * gives up leaves the mark behind. So this is the time that the key was waited for, by anybody.
 */
export class Waits {
  readonly #sinceMs = new Map<string, number>()

  /** When somebody was first seen waiting for the key, by the database's clock. */
  sinceMs(key: string): number | undefined {
    return this.#sinceMs.get(key)
  }

  /** The longest of the waits that go on. */
  longestMs(nowMs: number): number | null {
    let earliestMs = Infinity
    for (const sinceMs of this.#sinceMs.values()) earliestMs = Math.min(earliestMs, sinceMs)
    return earliestMs === Infinity ? null : Math.max(0, nowMs - earliestMs)
  }

  /** How many keys are waited for. */
  get size(): number {
    return this.#sinceMs.size
  }

  /** Compares two looks. */
  follow(before: ReadonlyMap<string, LockInfo>, after: ReadonlyMap<string, LockInfo>, nowMs: number): EndedWait[] {
    const ended: EndedWait[] = []
    const granted = new Set<string>()
    for (const [key, sinceMs] of this.#sinceMs) {
      const lock = after.get(key)
      const isSameHold = lock?.isHeld && lock.token === before.get(key)?.token
      if (isSameHold && lock.isWanted) continue
      this.#sinceMs.delete(key)
      // A key that is free was released before the waiter came, or was given up: no grant was seen.
      if (!lock?.isHeld || isSameHold) continue
      granted.add(key)
      ended.push({ key, waitedMs: Math.max(0, (lock.acquiredAt?.getTime() ?? nowMs) - sinceMs) })
    }
    for (const { key, isHeld, isWanted, acquiredAt } of after.values()) {
      if (!isHeld || !isWanted || this.#sinceMs.has(key)) continue
      // Still waited for after a hand-over: the next ones wait since the grant at least.
      this.#sinceMs.set(key, granted.has(key) ? (acquiredAt?.getTime() ?? nowMs) : nowMs)
    }
    return ended
  }
}
