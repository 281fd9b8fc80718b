import { setImmediate as turn } from 'node:timers/promises'
import type { LockFactory } from '../../index.ts'
import { type Distribution, Durations } from './distribution.ts'

/** What is measured before it counts: connections are opened, statements prepared, code compiled. */
const WARM_UP_MS = 500

/** So many callers, each with a key of its own, and each in a loop: take it, give it back. Counts pairs, and how long one takes. */
export async function measurePairs(
  locks: LockFactory,
  callers: number,
  seconds: number,
  signal: AbortSignal,
): Promise<Distribution> {
  const durations = new Durations(`acquire and release, ${callers === 1 ? 'one caller' : `${callers} callers`}`)
  const fromMs = performance.now() + WARM_UP_MS
  const toMs = fromMs + seconds * 1000
  const loop = async (caller: number) => {
    const key = `bench:${callers}:${caller}`
    for (;;) {
      const startMs = performance.now()
      if (startMs >= toMs) return
      const lock = locks.createLock(key, '30s')
      if (!(await lock.acquireImmediately())) throw new Error(`the key ${key}, which is nobody else's, was refused`)
      await lock.release()
      const endMs = performance.now()
      if (startMs >= fromMs && endMs < toMs) durations.record(endMs - startMs)
      signal.throwIfAborted()
      // A whole pair may take no turn of the event loop, with SQLite: then no timer rings, and Ctrl-C is not heard.
      await turn()
    }
  }
  await Promise.all(Array.from({ length: callers }, (_, caller) => loop(caller)))
  return durations.distribution(seconds)
}
