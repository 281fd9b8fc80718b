import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { Played } from './play.ts'

/** What a distribution comes to, milliseconds. */
export interface Distribution {
  readonly count: number
  readonly medianMs: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Sums up all rounds of one setting. */
export class HandOverNumbers {
  /** The next holder had been waiting before the release, in another process. */
  readonly #between = createHistogram()
  /** The same, in the same process. */
  readonly #within = createHistogram()
  /** From asking to having, of every grant. */
  readonly #waits = createHistogram()
  /** From the release of a key that somebody waited for to its next grant, whoever got it. */
  readonly #idle = createHistogram()
  #newcomers = 0
  #seconds = 0
  #processSeconds = 0
  #cpuMs = 0
  #statements: number | undefined = 0
  #busy = 0
  #overlaps = 0

  add(played: Played): void {
    const firstAskers = firstAskersAfter(played.holds)
    for (const [index, next] of played.holds.entries()) {
      this.#waits.record(atLeastOne(next.grantedNs - next.askedNs))
      const last = played.holds[index - 1]
      if (last === undefined) continue
      if (next.grantedNs < last.releasedNs) this.#overlaps++
      const idleNs = atLeastOne(next.grantedNs - last.releasedNs)
      if ((firstAskers[index] ?? Number.POSITIVE_INFINITY) < last.releasedNs) this.#idle.record(idleNs)
      // It asked only after the key was free, or was on its way to be.
      if (next.askedNs >= last.releasedNs) this.#newcomers++
      else {
        const histogram = last.process === next.process ? this.#within : this.#between
        histogram.record(idleNs)
      }
    }
    this.#seconds += played.seconds
    this.#processSeconds += played.seconds * played.processes
    this.#cpuMs += played.cpuMs
    this.#busy += played.machineBusy * played.seconds
    this.#statements =
      this.#statements === undefined || played.statements === undefined
        ? undefined
        : this.#statements + played.statements
  }

  summary() {
    const handOvers = this.#between.count + this.#within.count
    const grants = handOvers + this.#newcomers
    return {
      grantsPerSecond: this.#waits.count / this.#seconds,
      handOversPerSecond: handOvers / this.#seconds,
      /** Of all grants that came after another one. */
      betweenShare: grants === 0 ? 0 : this.#between.count / grants,
      withinShare: grants === 0 ? 0 : this.#within.count / grants,
      newcomerShare: grants === 0 ? 0 : this.#newcomers / grants,
      between: distributionOf(this.#between),
      within: distributionOf(this.#within),
      idleWhileWanted: distributionOf(this.#idle),
      waits: distributionOf(this.#waits),
      statementsPerSecond: this.#statements === undefined ? undefined : this.#statements / this.#seconds,
      statementsPerGrant: this.#statements === undefined ? undefined : this.#statements / this.#waits.count,
      /** Of one core, each. */
      cpuPerProcess: this.#cpuMs / 1000 / this.#processSeconds,
      /** Of all cores, everybody's. */
      machineBusy: this.#busy / this.#seconds,
      /** Two holders at a time: must be 0. */
      overlaps: this.#overlaps,
    }
  }
}

/** When the one who had been waiting longest asked, of those who were granted the key at that place of the order or later. */
function firstAskersAfter(holds: Played['holds']): number[] {
  const first: number[] = []
  for (let index = holds.length - 1; index >= 0; index--) {
    first[index] = Math.min(holds[index]!.askedNs, first[index + 1] ?? Number.POSITIVE_INFINITY)
  }
  return first
}

/** Histograms count nothing below 1. */
function atLeastOne(ns: number): number {
  return Math.max(1, Math.round(ns))
}

function distributionOf(histogram: RecordableHistogram): Distribution {
  const ms = (percentile: number) => (histogram.count === 0 ? Number.NaN : histogram.percentile(percentile) / 1e6)
  return { count: histogram.count, medianMs: ms(50), p90Ms: ms(90), p99Ms: ms(99), maxMs: ms(100) }
}
