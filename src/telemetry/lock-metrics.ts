import type { Attributes, Meter } from '@opentelemetry/api'
import type { HoldEvent, KeyEvent, LockEvents } from '../locks/lock-events.ts'
import type { Listen } from './listen.ts'
import { OpenHolds } from './open-holds.ts'

/** Seconds. Locks are held for milliseconds or for hours; the usual boundaries end at ten seconds. */
const BOUNDARIES = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600]

/** Counts and measures what happens to locks. */
export function measureLocks(on: Listen, meter: Meter, about: (event: KeyEvent) => Attributes): () => void {
  measureCalls(on, meter, about)
  measureExtensions(on, meter, about)
  measureTrouble(on, meter, about)
  return measureHolds(on, meter, about)
}

function measureCalls(on: Listen, meter: Meter, about: (event: KeyEvent) => Attributes): void {
  const waits = histogram(meter, 'verrou.wait.duration', 'From the call to the grant or the refusal.')
  const waiters = meter.createUpDownCounter('verrou.active_waiters', {
    unit: '{call}',
    description: 'Calls of this process that wait for a lock.',
  })
  const refused = counter(meter, 'verrou.refused', '{call}', 'Calls that were not granted their lock.')
  on('waiting', (event) => waiters.add(1, about(event)))
  on('acquired', (event) => {
    if (event.hasWaited) waiters.add(-1, about(event))
    waits.record(event.waitMs / 1000, { ...about(event), 'verrou.outcome': 'acquired' })
  })
  on('refused', (event) => {
    if (event.hasWaited) waiters.add(-1, about(event))
    waits.record(event.waitMs / 1000, { ...about(event), 'verrou.outcome': event.why })
    refused.add(1, { ...about(event), 'verrou.outcome': event.why })
  })
  on('failed', (event) => {
    if (event.hasWaited && event.key !== null) waiters.add(-1, about({ ...event, key: event.key }))
  })
}

/** @returns ends it: what is held then is not counted any more */
function measureHolds(on: Listen, meter: Meter, about: (event: KeyEvent) => Attributes): () => void {
  const open = new OpenHolds<Attributes>()
  const lengths = histogram(meter, 'verrou.hold.duration', 'From the request that was granted to the end of the hold.')
  const holds = meter.createUpDownCounter('verrou.active_holds', {
    unit: '{hold}',
    description: 'Locks that this process holds, those in open transactions aside.',
  })
  const lost = counter(meter, 'verrou.lost', '{hold}', 'Holds that ended before their holders wanted it.')
  const ended = (event: HoldEvent) => {
    const attributes = open.end(event)
    if (attributes) holds.add(-1, attributes)
  }
  const measured = (event: LockEvents['released'] | LockEvents['lost'], outcome: Attributes) => {
    if (event.heldMs !== null) lengths.record(event.heldMs / 1000, { ...about(event), ...outcome })
    ended(event)
  }
  on('acquired', (event) => {
    if (!OpenHolds.hasEnd(event)) return
    open.begin(event, about(event))
    holds.add(1, about(event))
  })
  on('released', (event) => measured(event, { 'verrou.outcome': 'released' }))
  on('lost', (event) => {
    const reason = { 'verrou.loss.reason': event.reason }
    lost.add(1, { ...about(event), ...reason })
    measured(event, { 'verrou.outcome': 'lost', ...reason })
  })
  on('handed-on', ended)
  return () => {
    for (const attributes of open.all()) holds.add(-1, attributes)
  }
}

function measureExtensions(on: Listen, meter: Meter, about: (event: KeyEvent) => Attributes): void {
  const renewals = counter(meter, 'verrou.renewals', '{renewal}', 'Leases that were extended.')
  on('extended', (event) => renewals.add(1, { ...about(event), 'verrou.extension.how': event.how }))
}

function measureTrouble(on: Listen, meter: Meter, about: (event: KeyEvent) => Attributes): void {
  const overruns = counter(meter, 'verrou.overrun', '{hold}', 'Work that went on after its hold was over.')
  const failures = counter(meter, 'verrou.failures', '{failure}', 'What the database could not answer, or refused.')
  const forced = counter(meter, 'verrou.forced_releases', '{release}', 'Keys that were freed whoever held them.')
  const leaks = counter(meter, 'verrou.leaks', '{hold}', 'Holds that were never released, and cannot be.')
  const degraded = meter.createGauge('verrou.wakeup.degraded', {
    description: '1 while releases by other processes are not heard, so that waiters poll; else 0.',
  })
  on('overrun', (event) => overruns.add(1, about(event)))
  on('failed', (event) => {
    const { action, code, key } = event
    // A renewal of many keys is about none of them.
    const told = key === null ? about({ ...event, key: '' }) : about({ ...event, key })
    failures.add(1, { ...told, 'error.type': code, 'verrou.action': action })
  })
  on('released-by-force', (event) => forced.add(1, about(event)))
  on('leaked', (event) => leaks.add(1, about(event)))
  on('wakeup-degraded', () => degraded.record(1))
  on('wakeup-restored', () => degraded.record(0))
}

function histogram(meter: Meter, name: string, description: string) {
  return meter.createHistogram(name, { unit: 's', description, advice: { explicitBucketBoundaries: BOUNDARIES } })
}

function counter(meter: Meter, name: string, unit: string, description: string) {
  return meter.createCounter(name, { unit, description })
}
