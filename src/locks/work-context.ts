import type { HeldLease } from './held-lease.ts'

/** What work under a lease receives. */
export interface WorkContext<TheLock> {
  readonly signal: AbortSignal
  readonly fencingToken: number
  readonly lock: TheLock
}

/** Signal and lock are made when they are looked at: most callbacks never need them, and a signal costs a timer. */
export function workContext<TheLock>(
  held: HeldLease,
  signal: AbortSignal | undefined,
  lockOf: (held: HeldLease) => TheLock,
): WorkContext<TheLock> {
  return {
    get signal() {
      return signal ? AbortSignal.any([held.signal, signal]) : held.signal
    },
    fencingToken: held.token,
    get lock() {
      return lockOf(held)
    },
  }
}
