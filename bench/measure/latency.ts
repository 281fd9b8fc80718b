import hdr from 'hdr-histogram-js'

/** Counts how long things took. Units of 100 ns, three digits: from 0.1 µs to minutes. */
export type Latency = hdr.Histogram

const UNITS_PER_MS = 10_000

/** What of a distribution is told, milliseconds. */
export interface Distribution {
  readonly count: number
  readonly medianMs: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export function newLatency(): Latency {
  return hdr.build({ lowestDiscernibleValue: 1, highestTrackableValue: 2 ** 31, numberOfSignificantValueDigits: 3 })
}

export function recordMs(latency: Latency, ms: number): void {
  latency.recordValue(Math.max(1, Math.round(ms * UNITS_PER_MS)))
}

export function encodeLatency(latency: Latency): string {
  return hdr.encodeIntoCompressedBase64(latency)
}

/** All of them in one. */
export function mergedLatency(encoded: readonly string[]): Latency {
  const all = newLatency()
  for (const one of encoded) all.add(hdr.decodeFromCompressedBase64(one))
  return all
}

export function distributionOf(latency: Latency): Distribution {
  const ms = (percentile: number) =>
    latency.totalCount === 0 ? Number.NaN : latency.getValueAtPercentile(percentile) / UNITS_PER_MS
  return { count: latency.totalCount, medianMs: ms(50), p90Ms: ms(90), p99Ms: ms(99), maxMs: ms(100) }
}
