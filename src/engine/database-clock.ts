import type { Clock } from '../clock.ts'

/**
 * What this process knows of the store's clock, from the store's own answers and the local monotonic clock: enough to
 * tell how long a lock that came from another process still has, without ever looking at the local time of day.
 */
export class DatabaseClock {
  readonly #clock: Clock
  #offsetUs: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** An answer said `nowUs`; its question was sent at `sentAtMs`, so the store's clock is at most this far ahead. */
  note(nowUs: number, sentAtMs: number): void {
    this.#offsetUs = nowUs - sentAtMs * 1000
  }

  /** The store's time now, at the latest, in microseconds since the epoch; `undefined` before its first answer. */
  latestUs(): number | undefined {
    return this.#offsetUs === undefined ? undefined : this.#clock.nowMs() * 1000 + this.#offsetUs
  }
}
