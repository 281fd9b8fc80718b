import { Acknowledged } from './acknowledged.ts'
import type { Evidence, InjectedFault, Span } from './evidence.ts'
import { WATCH_EVERY_MS } from './stalls.ts'

/** After a fault, connections are made anew, and what was late arrives. */
const AFTERMATH_US = 1_500_000

/** Faults after or during which a process can go on at once: at worst, a connection must be made anew. */
const HARMLESS: readonly string[] = [
  ...['cut connections', 'half-close connections', 'lose an answer', 'skew a clock'],
  ...['kill sessions', 'cancel statements', 'pruning at full speed', 'time zone with a DST change'],
]

/**
 * Whether a process, its connections or the database stood still at some time of the span, so that what it could not do
 * then is no fault of the library's. Connections that break hinder nobody: others can be made.
 */
export function wasHindered(evidence: Evidence, process: string, span: Span): boolean {
  const worker = Number(process.split('.')[0])
  const { stalls, lastWords } = Acknowledged.of(evidence)
  return (
    evidence.faults.some((fault) => hinders(fault, worker) && overlaps(fault, span)) ||
    (stalls.get(process) ?? []).some(({ t, forMs }) =>
      overlaps({ from: t - forMs * 1000 - WATCH_EVERY_MS * 1000, until: t }, span),
    ) ||
    // It ended within the span, or said nothing after it: killed, or still running.
    (lastWords.get(process)?.t ?? 0) <= span.until
  )
}

function hinders({ kind, lane, details, failure }: InjectedFault, worker: number): boolean {
  if (HARMLESS.includes(kind)) return false
  return lane === 'server' || (Number(details.worker) === worker && failure === undefined)
}

function overlaps(fault: Span, { from, until }: Span): boolean {
  return fault.from <= until && fault.until + AFTERMATH_US >= from
}
