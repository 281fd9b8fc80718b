import { type Attributes, context, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import type { HoldEvent, KeyEvent } from '../locks/lock-events.ts'
import type { Listen } from './listen.ts'
import { OpenHolds } from './open-holds.ts'

/** The spans of holds: for the work that is done under them, and to be ended. */
export interface LockSpans {
  /** The span of a hold that has not ended. */
  of(hold: HoldEvent): Span | undefined
  /** Ends all that are open. */
  end(): void
}

/** Makes a span of every call that asks for a lock, and one of every hold. Both are children of the span that the caller is in. */
export function traceLocks(on: Listen, tracer: Tracer, about: (event: KeyEvent) => Attributes): LockSpans {
  const open = new OpenHolds<Span>()
  const call = (event: KeyEvent, waitMs: number, attributes: Attributes): Span => {
    const startTime = performance.now() - waitMs
    return tracer.startSpan('verrou.acquire', { startTime, attributes: { ...about(event), ...attributes } })
  }
  const ended = (event: HoldEvent, attributes: Attributes) => {
    const span = open.end(event)
    span?.setAttributes(attributes)
    return span
  }

  on('acquired', (event) => {
    const { tries, waitMs, token } = event
    call(event, waitMs, { 'verrou.outcome': 'acquired', 'verrou.tries': tries }).end()
    if (!OpenHolds.hasEnd(event)) return
    const attributes = { ...about(event), ...(token === null ? {} : { 'verrou.lock.fencing_token': token }) }
    open.begin(event, tracer.startSpan('verrou.hold', { attributes }))
  })
  on('refused', (event) => {
    const { tries, waitMs, why } = event
    call(event, waitMs, { 'verrou.outcome': why, 'verrou.tries': tries }).end()
  })
  on('failed', (event) => {
    const { action, key, waitMs, code, error } = event
    if (action !== 'acquire' || key === null) return
    const span = call({ ...event, key }, waitMs ?? 0, { 'verrou.outcome': 'failed', 'error.type': code })
    span.recordException(error)
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message })
    span.end()
  })
  on('extended', (event) => open.of(event)?.addEvent('verrou.extended', { 'verrou.extension.how': event.how }))
  on('released', (event) => ended(event, { 'verrou.outcome': 'released' })?.end())
  on('handed-on', (event) => ended(event, { 'verrou.outcome': 'handed-on' })?.end())
  on('lost', (event) => {
    const { reason } = event
    const span = ended(event, { 'verrou.outcome': 'lost', 'verrou.loss.reason': reason, 'error.type': 'E_LOCK_LOST' })
    span?.setStatus({ code: SpanStatusCode.ERROR, message: `the hold was lost: ${reason}` })
    span?.end()
  })

  return {
    of: (hold) => open.of(hold),
    end() {
      for (const span of open.all()) span.end()
    },
  }
}

/** Work under a hold: what it traces itself becomes a child of the hold's span. */
export function inSpan(span: Span | undefined, work: () => void): void {
  if (span) context.with(trace.setSpan(context.active(), span), work)
  else work()
}
