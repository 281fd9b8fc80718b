/** Time as the engine sees it: passed in, so that tests decide how it goes. The real one is in `system-clock.ts`. */
export interface Clock {
  /** Milliseconds that only grow. Not the time of day: nothing the engine decides depends on a wall clock. */
  nowMs(): number
  /** Calls `wake` once after the delay. @returns a function that cancels it. */
  after(delayMs: number, wake: () => void, keepsProcessAlive?: boolean): () => void
}

/** A number in [0, 1): passed in, like the clock. */
export type Chance = () => number
