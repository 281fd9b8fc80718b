/** How long things took, in milliseconds; all `null`: there were none. */
export interface Times {
  readonly count: number
  readonly medianMs: number | null
  /** 95 of 100 took no longer. */
  readonly p95Ms: number | null
  readonly longestMs: number | null
}

/** As many are kept for the median; the count and the longest are of all. */
const MOST_KEPT = 1_000

/**
 * Durations, of which a fair sample is kept, so that a busy database takes no more memory here than an idle one.
 * https://en.wikipedia.org/wiki/Reservoir_sampling
 */
export class SampledTimes {
  readonly #kept: number[] = []
  #count = 0
  #longestMs = 0

  /** The times of several, as if they were one. */
  static together(parts: readonly SampledTimes[]): Times {
    const sorted = Float64Array.from(parts.flatMap((part) => part.#kept)).sort()
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null
    return {
      count: parts.reduce((sum, part) => sum + part.#count, 0),
      medianMs: at(0.5),
      p95Ms: at(0.95),
      longestMs: sorted.length === 0 ? null : Math.max(...parts.map((part) => part.#longestMs)),
    }
  }

  add(durationMs: number): void {
    this.#count++
    this.#longestMs = Math.max(this.#longestMs, durationMs)
    if (this.#kept.length < MOST_KEPT) {
      this.#kept.push(durationMs)
      return
    }
    const place = Math.floor(Math.random() * this.#count)
    if (place < MOST_KEPT) this.#kept[place] = durationMs
  }
}
