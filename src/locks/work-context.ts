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
      return signalOf(held, signal)
    },
    fencingToken: held.token,
    get lock() {
      return lockOf(held)
    },
  }
}

/** Aborts with the hold, and with the signal that the caller has given. */
export function signalOf(held: HeldLease, given: AbortSignal | undefined): AbortSignal {
  return given ? firstOf(held.signal, given) : held.signal
}

function firstOf(own: AbortSignal, given: AbortSignal): AbortSignal {
  try {
    return AbortSignal.any([own, given])
  } catch {
    // Only takes signals of Node's own; not those of a polyfill.
    const controller = new AbortController()
    for (const signal of [own, given]) {
      const abort = () => controller.abort(signal.reason)
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort, { once: true })
    }
    return controller.signal
  }
}
