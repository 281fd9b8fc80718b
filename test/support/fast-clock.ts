import type { Clock } from '../../src/clock.ts'
import { systemClock } from '../../src/system-clock.ts'

/** The real clock, so many times faster: minutes of waiting, in seconds, between real servers. */
export function fastClock(times: number): Clock {
  return {
    nowMs: () => systemClock.nowMs() * times,
    after: (delayMs, wake, keepsProcessAlive) => systemClock.after(delayMs / times, wake, keepsProcessAlive),
  }
}
