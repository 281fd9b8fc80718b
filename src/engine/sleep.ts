import type { Grant } from './grant.ts'

/** How the first one in line sleeps. */
export interface Sleep {
  /** Ends with the grant, if it was handed the key. */
  readonly ended: Promise<Grant | undefined>
  readonly end: (grant?: Grant) => void
  cancelTimer: () => void
  isOver: boolean
  isBeingServed: boolean
  /** A release was meant for other processes: only the timer wakes. */
  isYielding: boolean
}

/** Begins to sleep, without a timer yet. */
export function newSleep(): Sleep {
  const { promise: ended, resolve } = Promise.withResolvers<Grant | undefined>()
  const sleep: Sleep = {
    ended,
    end(grant) {
      sleep.isOver = true
      sleep.cancelTimer()
      resolve(grant)
    },
    cancelTimer: () => {},
    isOver: false,
    isBeingServed: false,
    isYielding: false,
  }
  return sleep
}
