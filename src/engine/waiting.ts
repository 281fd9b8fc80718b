import { jittered } from '../backoff.ts'
import type { Timing } from './ask.ts'
import { type Bounds, pause } from './bounds.ts'

/** What is in the way of a try. */
export interface Obstacle {
  /** When the lease in the way ends by itself; `null`: never, or not known. */
  readonly freeInMs: number | null
  /** Another transaction, or a statement at that moment, has the row locked. */
  readonly isRowLocked: boolean
}

/**
 * The seam where waiting happens: comes back when the key may be free. Only a hint: whoever is woken asks the store
 * again, which alone decides. Coming back too early costs one refused try; too late costs the waiter time.
 */
export interface Waiting {
  /** @param mostMs the longest pause that the caller accepts */
  untilMaybeFree(key: string, mostMs: number, obstacle: Obstacle, bounds: Bounds): Promise<void>
}

/** Waiting without wake-ups: pauses until the lease in the way ends by itself, but never longer than `mostMs`. */
export function polling(timing: Timing): Waiting {
  return {
    untilMaybeFree(_key, mostMs, { freeInMs }, bounds) {
      const delayMs = jittered(mostMs, timing.chance)
      return pause(timing.clock, freeInMs === null ? delayMs : Math.min(delayMs, freeInMs), bounds)
    },
  }
}
