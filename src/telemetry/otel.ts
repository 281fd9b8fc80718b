import '../node-version.ts'
import { type Attributes, type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api'
import type { KeyEvent } from '../locks/lock-events.ts'
import type { LockFactory } from '../locks/lock-factory.ts'
import { checkOptions, invalidOption } from '../options.ts'
import { type KeyPattern, keyAttribute } from './key-attribute.ts'
import type { Listen } from './listen.ts'
import { measureLocks } from './lock-metrics.ts'
import { inSpan, traceLocks } from './lock-spans.ts'

export type { KeyPattern } from './key-attribute.ts'

/** Options of {@link instrument}. */
export interface InstrumentOptions {
  /**
   * Which keys are told, as the attribute `verrou.lock.key` of spans and metrics. A key may be personal data, and every key that is told is a series of
   * its own in your metrics. Default: none.
   */
  readonly keys?: KeyPattern | undefined
  /** Attributes of everything, such as the name of the store. Default: none. */
  readonly attributes?: Attributes | undefined
  /** Where metrics go. Default: the global one. */
  readonly meterProvider?: Pick<MeterProvider, 'getMeter'> | undefined
  /** Where spans go. Default: the global one. */
  readonly tracerProvider?: Pick<TracerProvider, 'getTracer'> | undefined
}

/** The name that OpenTelemetry has for what makes the data. */
const SCOPE = 'verrou-sql'

/**
 * Traces and measures locks with OpenTelemetry, through whatever SDK is set up.
 *
 * Spans: `verrou.acquire` for every call that asks for a lock, and `verrou.hold` from the grant to the end of the hold; the callbacks of `run`, `runOncePer` and
 * `elect` work within the latter. Metrics: `verrou.wait.duration` and `verrou.hold.duration` (seconds), `verrou.active_waiters`, `verrou.active_holds`,
 * `verrou.refused`, `verrou.lost`, `verrou.overrun`, `verrou.renewals`, `verrou.failures`, `verrou.forced_releases`, `verrou.leaks`, `verrou.wakeup.degraded`.
 * `docs/guide/observing.md` tells what each has with it.
 *
 * @param locks a `Verrou`, with all its stores, or a `LockFactory`
 * @returns a function that ends it
 * @throws LockError `E_INVALID_OPTION`
 * @example
 * const end = instrument(verrou, { keys: /^report:/ })
 */
export function instrument(locks: Pick<LockFactory, 'on' | 'wrapWork'>, options: InstrumentOptions = {}): () => void {
  if (typeof locks?.on !== 'function' || typeof locks.wrapWork !== 'function') {
    throw invalidOption('locks', 'a Verrou or a LockFactory', locks)
  }
  checkOptions('options', options, ['keys', 'attributes', 'meterProvider', 'tracerProvider'])
  const { meterProvider = metrics, tracerProvider = trace, attributes } = options
  const keyOf = keyAttribute(options.keys)
  const about = ({ key, kind }: KeyEvent) => ({ ...attributes, 'verrou.lock.kind': kind, ...keyOf(key) })

  const ends: (() => void)[] = []
  const on: Listen = (name, listener) => ends.push(locks.on(name, listener))
  const spans = traceLocks(on, tracerProvider.getTracer(SCOPE), about)
  const endHolds = measureLocks(on, meterProvider.getMeter(SCOPE), about)
  ends.push(
    locks.wrapWork((hold, work) => inSpan(spans.of(hold), work)),
    () => spans.end(),
    endHolds,
  )
  return () => {
    for (const end of ends.splice(0)) end()
  }
}
