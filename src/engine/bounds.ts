import type { Clock } from '../clock.ts'
import type { AbortSource } from './abort-source.ts'

/** Thrown out of {@link Bounds.race} when the time of the call is over. */
export class OutOfTime extends Error {}

/** What may end a call before it has its answer: a deadline and signals. */
export interface Bounds {
  /** Milliseconds until the deadline; `Infinity` without one. */
  leftMs(): number
  /** @throws the reason of the first signal that has aborted */
  throwIfAborted(): void
  /** Settles as `work` does, or earlier: with {@link OutOfTime} at the deadline, or with the reason of a signal. */
  race<T>(work: Promise<T>): Promise<T>
}

/** The bounds of one call, counted from now. Signals that are undefined do not count. */
export function boundsOf(clock: Clock, timeoutMs: number, ...given: (AbortSource | undefined)[]): Bounds {
  const signals = given.filter((signal) => signal !== undefined)
  const endMs = clock.nowMs() + timeoutMs
  const leftMs = () => endMs - clock.nowMs()

  const throwIfAborted = () => {
    for (const signal of signals) signal.throwIfAborted()
  }

  return {
    leftMs,
    throwIfAborted,
    race<T>(work: Promise<T>) {
      return new Promise<T>((resolve, reject) => {
        const end = () => {
          disarm?.()
          for (const signal of signals) signal.removeEventListener('abort', onAbort)
        }
        const fail = (reason: unknown) => {
          end()
          reject(reason)
        }
        const onAbort = () => fail(signals.find(({ aborted }) => aborted)?.reason)
        const disarm =
          endMs === Number.POSITIVE_INFINITY ? undefined : clock.after(leftMs(), () => fail(new OutOfTime()))
        for (const signal of signals) {
          if (signal.aborted) fail(signal.reason)
          else signal.addEventListener('abort', onAbort)
        }
        work.then((value) => {
          end()
          resolve(value)
        }, fail)
      })
    },
  }
}

/** A pause that the bounds may cut short. */
export function pause(clock: Clock, delayMs: number, bounds: Bounds): Promise<void> {
  let cancel = () => {}
  const slept = new Promise<void>((wake) => {
    cancel = clock.after(delayMs, wake)
  })
  return bounds.race(slept).finally(() => cancel())
}
