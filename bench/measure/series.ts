import type { Counters } from '../places/place.ts'
import type { Done } from '../workers/orders.ts'
import { type Distribution, distributionOf, mergedLatency } from './latency.ts'
import { ratioOf, type Spread, spreadOf } from './spread.ts'

/** One round of one contender: what each of its processes did, and what the server counted meanwhile. */
export interface Sample {
  readonly done: readonly Done[]
  readonly counted: Counters
}

/** What a contender did in all rounds. */
export interface Summary {
  readonly perSecond: Spread
  /** Of taking, of releasing, of both together. */
  readonly take: Distribution
  readonly release: Distribution
  readonly both: Distribution
  /** Of the client's processes, per operation, microseconds. */
  readonly cpuUs: number
  /** Per operation, at the server. */
  readonly statements: number | undefined
  readonly logBytes: number | undefined
  readonly statementLogBytes: number | undefined
  readonly transactionIds: number | undefined
}

/** Every round of one contender with one play. */
export class Series {
  readonly #samples: Sample[] = []

  add(sample: Sample): void {
    this.#samples.push(sample)
  }

  get rounds(): number {
    return this.#samples.length
  }

  perSecond(): number[] {
    return this.#samples.map(({ done }) => sum(done.map(({ operations, seconds }) => operations / seconds)))
  }

  /** Of each round, milliseconds. */
  medianTakeMs(): number[] {
    return this.#samples.map(
      ({ done }) => distributionOf(mergedLatency(done.map(({ latency }) => latency.take))).medianMs,
    )
  }

  /** How many times as fast as the other. */
  timesAsFastAs(other: Series): Spread {
    return ratioOf(this.perSecond(), other.perSecond())
  }

  summary(): Summary {
    const done = this.#samples.flatMap((sample) => sample.done)
    const all = sum(done.map((one) => one.allOperations))
    const latency = (part: keyof Done['latency']) => distributionOf(mergedLatency(done.map((one) => one.latency[part])))
    const counted = (name: keyof Counters) => {
      const values = this.#samples.map((sample) => sample.counted[name])
      return values.includes(undefined) ? undefined : sum(values as number[]) / all
    }
    return {
      perSecond: spreadOf(this.perSecond()),
      take: latency('take'),
      release: latency('release'),
      both: latency('both'),
      cpuUs: (sum(done.map(({ cpuMs }) => cpuMs)) * 1000) / all,
      statements: counted('statements'),
      logBytes: counted('logBytes'),
      statementLogBytes: counted('statementLogBytes'),
      transactionIds: counted('transactionIds'),
    }
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}
