import { Acknowledged } from '../acknowledged.ts'
import type { Evidence, Span } from '../evidence.ts'
import { WATCH_EVERY_MS } from '../stalls.ts'

/** For how long, all in all, a process did nothing in this span: it was paused or blocked, or the machine had too much else to do. */
export function stoodStillMs(evidence: Evidence, process: string, { from, until }: Span): number {
  const stalls = Acknowledged.of(evidence).stalls.get(process) ?? []
  return stalls.reduce((sum, event) => {
    // It is written down after whatever else was waiting for the process to go on.
    return event.t >= from && event.t - event.forMs * 1000 - WATCH_EVERY_MS * 2_000 <= until ? sum + event.forMs : sum
  }, 0)
}
