import type { Clock } from '../../src/clock.ts'

/** Time that stands still until it is told to go on. */
export class FakeClock implements Clock {
  #nowMs = 0
  #timers: { readonly atMs: number; readonly wake: () => void }[] = []
  /** Every delay that was asked for. */
  readonly delaysMs: number[] = []

  nowMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, wake: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, wake }
    this.#timers.push(timer)
    this.delaysMs.push(delayMs)
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer)
    }
  }

  /** Timers that have not rung. */
  get pending(): number {
    return this.#timers.length
  }

  /** Lets time pass at once, as for a process that was paused: every timer that is due rings, in order, and nothing in between. */
  jump(ms: number): void {
    this.#nowMs += ms
    const due = this.#timers.filter(({ atMs }) => atMs <= this.#nowMs).sort((a, b) => a.atMs - b.atMs)
    for (const timer of due) {
      if (!this.#timers.includes(timer)) continue
      this.#timers = this.#timers.filter((one) => one !== timer)
      timer.wake()
    }
  }

  /** Milliseconds until the next timer; `undefined`: there is none. */
  get nextMs(): number | undefined {
    const times = this.#timers.map(({ atMs }) => atMs)
    return times.length === 0 ? undefined : Math.max(0, Math.min(...times) - this.#nowMs)
  }

  /** Lets time pass, timer by timer, with all that each sets off. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await settle()
    for (;;) {
      const next = this.#timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
      if (!next) break
      this.#timers = this.#timers.filter((one) => one !== next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.wake()
      await settle()
    }
    this.#nowMs = endMs
  }
}

/** Lets everything run that is ready to run. */
async function settle(): Promise<void> {
  for (let round = 0; round < 5; round++) await new Promise((resolve) => setImmediate(resolve))
}
