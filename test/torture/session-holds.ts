import type { Evidence, Span } from './evidence.ts'
import type { HistoryEvent } from './history.ts'

/** A hold of a session lock as its holder knew it, by the shared clock: from its being told, to its asking for the release or its last "still held". */
export interface SessionHold extends Span {
  readonly op: string
  readonly key: string
  readonly process: string
  readonly askedAt: number
  /** The session itself has confirmed the release: so the session was there, and had the lock, all the time. */
  readonly isConfirmed: boolean
}

/** In the order in which they were told. */
export function sessionHoldsOf({ history }: Evidence): readonly SessionHold[] {
  const known = KNOWN.get(history)
  if (known) return known
  const holds = holdsIn(history)
  KNOWN.set(history, holds)
  return holds
}

const KNOWN = new WeakMap<readonly HistoryEvent[], readonly SessionHold[]>()

function holdsIn(history: readonly HistoryEvent[]): SessionHold[] {
  const asked = new Map<string, number>()
  const released = new Map<string, number>()
  const holds = new Map<string, SessionHold>()
  for (const event of history) {
    if (event.e === 'ask') asked.set(event.op, event.t)
    if (event.e === 'session granted') {
      const { op, key, process, t } = event
      holds.set(op, { op, key, process, askedAt: asked.get(op) ?? t, from: t, until: t, isConfirmed: false })
    }
    if (event.e === 'session alive') Object.assign(holds.get(event.op) ?? {}, { until: event.t })
    if (event.e === 'session release') released.set(event.op, event.t)
    if (event.e === 'session released' && event.code === 'ok')
      Object.assign(holds.get(event.op) ?? {}, { isConfirmed: true, until: released.get(event.op) ?? event.t })
  }
  return [...holds.values()]
}
