import { distributionOf, type Latency, newLatency, recordMs } from '../measure/latency.ts'
import type { Played } from './play.ts'

/** Sums up all rounds of one setting. */
export class HandOverNumbers {
  /** The next holder had been waiting before the release, in another process. */
  readonly #between = newLatency()
  /** The same, in the same process. */
  readonly #within = newLatency()
  /** From asking to having, of every grant. */
  readonly #waits = newLatency()
  readonly #betweenMedians: number[] = []
  readonly #betweenP99s: number[] = []
  readonly #statementsPerSecond: number[] = []
  #grants = 0
  #newcomers = 0
  #seconds = 0
  #cpuMs = 0
  #statements: number | undefined = 0
  #overlaps = 0

  add(played: Played): void {
    const betweenNow = newLatency()
    for (const [index, next] of played.holds.entries()) {
      recordMs(this.#waits, (next.grantedNs - next.askedNs) / 1e6)
      this.#grants++
      const last = played.holds[index - 1]
      if (last === undefined) continue
      if (next.grantedNs < last.releasedNs) this.#overlaps++
      const idleMs = Math.max(0, next.grantedNs - last.releasedNs) / 1e6
      // It asked only after the key was free, or was on its way to be.
      if (next.askedNs >= last.releasedNs) this.#newcomers++
      else if (last.process === next.process) recordMs(this.#within, idleMs)
      else for (const latency of [this.#between, betweenNow]) recordMs(latency, idleMs)
    }
    this.#noteRound(played, betweenNow)
  }

  summary() {
    const handOvers = this.#between.totalCount + this.#within.totalCount
    return {
      grantsPerSecond: this.#grants / this.#seconds,
      /** Of all grants that came after another one. */
      betweenShare: this.#between.totalCount / Math.max(1, handOvers + this.#newcomers),
      between: distributionOf(this.#between),
      within: distributionOf(this.#within),
      waits: distributionOf(this.#waits),
      /** Of each round that had any. */
      betweenMedians: this.#betweenMedians,
      betweenP99s: this.#betweenP99s,
      /** Of each round, at the server. */
      statementsPerSecond: this.#statementsPerSecond,
      statementsPerGrant: this.#statements === undefined ? undefined : this.#statements / Math.max(1, this.#grants),
      cpuMsPerGrant: this.#cpuMs / Math.max(1, this.#grants),
      /** Two holders at a time: must be 0. */
      overlaps: this.#overlaps,
    }
  }

  #noteRound({ seconds, cpuMs, statements }: Played, between: Latency): void {
    this.#seconds += seconds
    this.#cpuMs += cpuMs
    if (between.totalCount > 0) {
      const { medianMs, p99Ms } = distributionOf(between)
      this.#betweenMedians.push(medianMs)
      this.#betweenP99s.push(p99Ms)
    }
    if (statements === undefined) this.#statements = undefined
    else {
      this.#statementsPerSecond.push(statements / seconds)
      if (this.#statements !== undefined) this.#statements += statements
    }
  }
}
