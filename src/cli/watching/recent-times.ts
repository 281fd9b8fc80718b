import type { EndedHold } from './ended-holds.ts'
import { SampledTimes, type Times } from './times.ts'
import type { EndedWait } from './waits.ts'

/** What was seen in five seconds. */
export interface TimesBucket {
  /** Its begin: milliseconds since the epoch, by the database's clock. */
  readonly atMs: number
  /** The most at a time. */
  readonly held: number
  readonly waitedFor: number
  /** Of the holds that ended in it. */
  readonly holds: Times
  /** How many of them ran out, instead of being released. */
  readonly ranOut: number
  /** Of the waits that ended in it with a grant. */
  readonly waits: Times
  /** The age of the oldest hold, and of the longest wait, that went on at its end. */
  readonly oldestHoldMs: number | null
  readonly longestWaitMs: number | null
}

/** What one look tells about times. */
export interface TimesSeen {
  readonly nowMs: number
  readonly held: number
  readonly waitedFor: number
  readonly holds: readonly EndedHold[]
  readonly waits: readonly EndedWait[]
  readonly oldestHoldMs: number | null
  readonly longestWaitMs: number | null
}

/** All buckets together. */
export type TimesSummary = Pick<TimesBucket, 'holds' | 'waits' | 'ranOut'>

/** The width of a bucket. */
export const BUCKET_MS = 5_000
/** Ten minutes. */
export const MOST_BUCKETS = 120

interface OpenBucket extends Omit<TimesBucket, 'holds' | 'waits'> {
  holds: SampledTimes
  waits: SampledTimes
}

/** The last ten minutes, in buckets of five seconds. Those in which nobody could look are missing. */
export class RecentTimes {
  #buckets: OpenBucket[] = []

  add({ nowMs, held, waitedFor, holds, waits, oldestHoldMs, longestWaitMs }: TimesSeen): void {
    const atMs = Math.floor(nowMs / BUCKET_MS) * BUCKET_MS
    const last = this.#buckets.at(-1)
    // A clock that was set back goes on in the last one.
    const bucket = last && last.atMs >= atMs ? last : { atMs, held: 0, waitedFor: 0, ranOut: 0, ...newTimes() }
    for (const { fromMs, toMs } of holds) bucket.holds.add(toMs - fromMs)
    for (const { waitedMs } of waits) bucket.waits.add(waitedMs)
    const updated: OpenBucket = {
      ...{ atMs: bucket.atMs, holds: bucket.holds, waits: bucket.waits, oldestHoldMs, longestWaitMs },
      held: Math.max(bucket.held, held),
      waitedFor: Math.max(bucket.waitedFor, waitedFor),
      ranOut: bucket.ranOut + holds.filter(({ hasRunOut }) => hasRunOut).length,
    }
    const isNew = bucket !== last
    this.#buckets = [...(isNew ? this.#buckets : this.#buckets.slice(0, -1)), updated].slice(-MOST_BUCKETS)
  }

  /** Oldest first. */
  buckets(fromMs = 0): TimesBucket[] {
    return this.#buckets
      .filter(({ atMs }) => atMs >= fromMs)
      .map((bucket) => ({
        ...bucket,
        holds: SampledTimes.together([bucket.holds]),
        waits: SampledTimes.together([bucket.waits]),
      }))
  }

  summary(): TimesSummary {
    return {
      holds: SampledTimes.together(this.#buckets.map(({ holds }) => holds)),
      waits: SampledTimes.together(this.#buckets.map(({ waits }) => waits)),
      ranOut: this.#buckets.reduce((sum, { ranOut }) => sum + ranOut, 0),
    }
  }
}

function newTimes() {
  return { holds: new SampledTimes(), waits: new SampledTimes() }
}
