/**
 * Milliseconds of the clock that all processes of a machine share, and that nobody sets: a moment that one process writes down is the same
 * moment in another (CLOCK_MONOTONIC; on macOS mach_absolute_time). Stands still while the whole machine sleeps.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
