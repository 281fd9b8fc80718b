import type { Clock } from '../clock.ts'

/** Below this many, looking for forgotten holds is not worth it. */
const LEAST_SWEEP = 256

/**
 * Which keys are held in this process, and until when, as far as it knows: whoever comes for one of them need not ask the
 * store, since it would be refused; and can be handed the key.
 */
export class LocalHolds {
  readonly #clock: Clock
  readonly #untilMs = new Map<string, number>()
  #sweepAt = LEAST_SWEEP

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The key was granted, until then by the local clock. */
  note(key: string, untilMs: number): void {
    this.#untilMs.set(key, untilMs)
    if (this.#untilMs.size >= this.#sweepAt) this.#sweep()
  }

  /** It was released, or lost. */
  forget(key: string): void {
    this.#untilMs.delete(key)
  }

  /** Milliseconds for which it is held yet; `undefined`: not, as far as we know; `Infinity`: for ever. */
  leftMs(key: string): number | undefined {
    const untilMs = this.#untilMs.get(key)
    if (untilMs === undefined) return undefined
    const leftMs = untilMs - this.#clock.nowMs()
    return leftMs > 0 ? leftMs : undefined
  }

  /** A hold whose owner forgot about it leaves when its time is over: never more than twice the live ones. */
  #sweep(): void {
    const nowMs = this.#clock.nowMs()
    for (const [key, untilMs] of this.#untilMs) if (untilMs <= nowMs) this.#untilMs.delete(key)
    this.#sweepAt = Math.max(LEAST_SWEEP, this.#untilMs.size * 2)
  }
}
