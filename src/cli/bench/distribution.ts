import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { CliError } from '../cli-error.ts'

/** How often something was done in a second, and how long it took. */
export interface Distribution {
  readonly perSecond: number
  readonly count: number
  readonly medianMs: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Counts how long things took: three digits, from a microsecond to minutes. */
export class Durations {
  readonly #what: string
  readonly #histogram: RecordableHistogram = createHistogram({ figures: 3 })

  /** @param what was done, for people */
  constructor(what: string) {
    this.#what = what
  }

  record(ms: number): void {
    this.#histogram.record(Math.max(1, Math.round(ms * 1000)))
  }

  /** @param seconds in which they were recorded. @throws `CliError` when nothing was: a short time on a slow database */
  distribution(seconds: number): Distribution {
    const { count, max } = this.#histogram
    if (count === 0)
      throw new CliError('UNAVAILABLE', `${this.#what}: not one in ${seconds} s; measure for longer, with --seconds`)
    const ms = (percent: number) => this.#histogram.percentile(percent) / 1000
    return { perSecond: count / seconds, count, medianMs: ms(50), p99Ms: ms(99), maxMs: max / 1000 }
  }
}
