import type { Clock } from './clock.ts'

/** Node fires longer timers at once: https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The real clock: monotonic, so that a changed wall clock changes nothing. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after(delayMs, wake, keepsProcessAlive = true) {
    const endMs = performance.now() + delayMs
    let timer: NodeJS.Timeout
    const arm = (leftMs: number) => {
      timer = setTimeout(ring, Math.min(Math.max(0, Math.ceil(leftMs)), LONGEST_TIMER_MS))
      if (!keepsProcessAlive) timer.unref()
    }
    const ring = () => {
      // Timers may ring a little early; whoever is woken may rely on the time having passed.
      const leftMs = endMs - performance.now()
      if (leftMs > 0) arm(leftMs)
      else wake()
    }
    arm(delayMs)
    return () => clearTimeout(timer)
  },
}
