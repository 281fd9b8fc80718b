import { context, type Span, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { memoryStore } from '../src/drivers/memory.ts'
import { LockFactory, type LockFactoryOptions, type LockStore, StoreTrouble, Verrou } from '../src/index.ts'
import { type InstrumentOptions, instrument } from '../src/telemetry/otel.ts'
import { freePort } from './servers/free-port.ts'
import { rejection } from './suite/rejection.ts'
import { changedStore } from './support/changed-store.ts'
import { directBackends } from './support/contract-backends.ts'

const contextManager = new AsyncLocalStorageContextManager()
beforeAll(() => context.setGlobalContextManager(contextManager.enable()))
afterAll(() => context.disable())

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** A factory with a real SDK around it. */
function traced({ store = memoryStore(), factory = {}, ...options }: InstrumentOptions & Sdk = {}) {
  const exporter = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const locks = new LockFactory(store, factory)
  const end = instrument(locks, { tracerProvider, ...options })
  ends.push(() => tracerProvider.shutdown(), end)
  const spans = (name?: string) =>
    exporter.getFinishedSpans().filter((span) => name === undefined || span.name === name)
  return { locks, end, spans, tracer: tracerProvider.getTracer('app') }
}

interface Sdk {
  readonly store?: LockStore
  readonly factory?: LockFactoryOptions
}

/** Metrics as Prometheus scrapes them. */
async function measured({ store = memoryStore(), factory = {}, ...options }: InstrumentOptions & Sdk = {}) {
  const port = await freePort()
  const exporter = new PrometheusExporter({ host: '127.0.0.1', port, preventServerStart: true })
  await exporter.startServer()
  const meterProvider = new MeterProvider({ readers: [exporter] })
  const locks = new LockFactory(store, factory)
  const end = instrument(locks, { meterProvider, ...options })
  ends.push(() => meterProvider.shutdown(), end)
  const scrape = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`)
    const lines = (await answer.text()).split('\n').filter((line) => line.startsWith('verrou_'))
    // What every line has is not what a test is about.
    const brief = lines.map((line) =>
      line
        .replace(/otel_scope_(name|version)="[^"]*",?/g, '')
        .replace(',}', '}')
        .replace('{}', ''),
    )
    return new Map(
      brief.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
    )
  }
  return { locks, end, scrape }
}

const lostWork = (locks: LockFactory) =>
  rejection(
    locks.createLock('slow', 100).run(() => new Promise((resolve) => setTimeout(resolve, 150))),
    'E_LOCK_LOST',
  )

describe('spans', () => {
  const lengthMs = ({ duration: [seconds, nanos] }: ReadableSpan) => seconds * 1000 + nanos / 1e6
  const idOf = (span: Span | ReadableSpan | undefined) => span?.spanContext().spanId

  test('of the wait and of the hold are children of the span of the caller, and the work is a child of the hold', async () => {
    const { locks, spans, tracer } = traced()
    const held = await locks.createLock('k').hold()
    const caller = tracer.startSpan('caller')
    await context.with(trace.setSpan(context.active(), caller), async () => {
      const waiting = locks.createLock('k').run(async () => {
        await new Promise((resolve) => setTimeout(resolve, 20))
        tracer.startSpan('query').end()
      })
      await new Promise((resolve) => setTimeout(resolve, 30))
      await held.release()
      await waiting
    })
    caller.end()

    const [, wait] = spans('verrou.acquire')
    const [, hold] = spans('verrou.hold')
    const [query] = spans('query')
    expect([wait?.parentSpanContext?.spanId, hold?.parentSpanContext?.spanId]).toEqual([idOf(caller), idOf(caller)])
    expect(query?.parentSpanContext?.spanId).toBe(idOf(hold))
    expect(wait?.attributes).toEqual({ 'verrou.lock.kind': 'lease', 'verrou.outcome': 'acquired', 'verrou.tries': 0 })
    expect(hold?.attributes).toEqual({
      'verrou.lock.kind': 'lease',
      'verrou.lock.fencing_token': expect.any(Number),
      'verrou.outcome': 'released',
    })
    expect(lengthMs(wait as ReadableSpan)).toBeGreaterThanOrEqual(29)
    expect(lengthMs(hold as ReadableSpan)).toBeGreaterThanOrEqual(19)
    // Both of them by the time of the day.
    expect(Math.abs((wait?.startTime[0] ?? 0) * 1000 - Date.now())).toBeLessThan(60_000)
  })

  test('tell of a refusal, a loss, an extension, and an error', async () => {
    const { store } = changedStore((real) => ({
      tryAcquire: (request) =>
        request.key === 'down' ? Promise.reject(new StoreTrouble('failed', new Error('no'))) : real.tryAcquire(request),
    }))
    const { locks, spans } = traced({ store })
    const held = await locks.createLock('k').hold()
    await held.extend()
    await locks.createLock('k').acquireImmediately()
    await held.release()
    await lostWork(locks)
    await rejection(locks.createLock('down').acquire(), 'E_LOCK_STORAGE_ERROR')

    expect(spans('verrou.acquire').map(({ attributes }) => attributes['verrou.outcome'])).toEqual([
      ...['acquired', 'held', 'acquired', 'failed'],
    ])
    const [kept, lost] = spans('verrou.hold')
    expect(kept?.events).toMatchObject([{ name: 'verrou.extended', attributes: { 'verrou.extension.how': 'by-hand' } }])
    expect(lost?.attributes).toMatchObject({ 'verrou.outcome': 'lost', 'verrou.loss.reason': 'expired' })
    expect(lost?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'the hold was lost: expired' })
    const failed = spans('verrou.acquire').at(-1)
    expect(failed?.status.code).toBe(SpanStatusCode.ERROR)
    expect(failed?.attributes['error.type']).toBe('E_LOCK_STORAGE_ERROR')
    expect(failed?.events).toMatchObject([{ name: 'exception' }])
  })

  test('of what is handed on, or still held when the tracing ends, end', async () => {
    const { locks, spans, end } = traced()
    const lock = locks.createLock('a')
    await lock.acquire()
    lock.serialize()
    expect(spans('verrou.hold')).toMatchObject([{ attributes: { 'verrou.outcome': 'handed-on' } }])
    await lock.release()
    await locks.createLock('b').acquire()
    end()
    expect(spans('verrou.hold')).toHaveLength(2)
    await locks.createLock('c').run(() => {})
    expect(spans()).toHaveLength(4)
  })

  test('name no key, unless that is asked for', async () => {
    const keysWith = async (keys: InstrumentOptions['keys']) => {
      const { locks, spans } = traced({ keys })
      for (const key of ['user:7', 'report', 'report:2']) await locks.createLock(key).run(() => {})
      return spans('verrou.hold').map(({ attributes }) => attributes['verrou.lock.key'])
    }
    expect(await keysWith(undefined)).toEqual([undefined, undefined, undefined])
    expect(await keysWith(/^report/)).toEqual([undefined, 'report', 'report:2'])
    expect(await keysWith(/report/g)).toEqual([undefined, 'report', 'report:2'])
    expect(await keysWith((key) => key.split(':')[0])).toEqual(['user', 'report', 'report'])
    const broken = () => {
      throw new Error('a bug')
    }
    expect(await keysWith(broken)).toEqual([undefined, undefined, undefined])
  })
})

describe('metrics, as Prometheus scrapes them', () => {
  const kind = 'verrou_lock_kind="lease"'

  test('tell how long callers waited and held, and what went wrong', async () => {
    const { store } = changedStore((real) => ({
      tryAcquire: (request) =>
        request.key === 'down' ? Promise.reject(new StoreTrouble('failed', new Error('no'))) : real.tryAcquire(request),
    }))
    const { locks, scrape } = await measured({ store })
    await locks.createLock('k').run(() => {})
    const held = await locks.createLock('k').hold()
    await held.extend()
    const waiting = locks.createLock('k').acquire({ retry: { timeout: 2_000 } })
    await vi.waitFor(async () => expect((await scrape()).get(`verrou_active_waiters{${kind}}`)).toBe(1))
    expect((await scrape()).get(`verrou_active_holds{${kind}}`)).toBe(1)
    await held.release()
    await waiting
    await locks.createLock('k').acquireImmediately()
    await locks.createLock('k').forceRelease()
    await lostWork(locks)
    await locks
      .createLock('down')
      .acquire()
      .catch(() => {})

    const metrics = await scrape()
    const value = (name: string, more = '') => metrics.get(`${name}{${kind}${more}}`)
    expect(value('verrou_wait_duration_count', ',verrou_outcome="acquired"')).toBe(4)
    expect(value('verrou_wait_duration_count', ',verrou_outcome="held"')).toBe(1)
    expect(value('verrou_wait_duration_bucket', ',verrou_outcome="acquired",le="3600"')).toBe(4)
    expect(value('verrou_hold_duration_count', ',verrou_outcome="released"')).toBe(2)
    const lost = ',verrou_loss_reason="expired"'
    expect(value('verrou_hold_duration_count', `,verrou_outcome="lost"${lost}`)).toBe(1)
    expect(value('verrou_hold_duration_sum', `,verrou_outcome="lost"${lost}`)).toBeCloseTo(0.1, 2)
    expect(value('verrou_refused_total', ',verrou_outcome="held"')).toBe(1)
    expect(value('verrou_lost_total', lost)).toBe(1)
    expect(value('verrou_overrun_total')).toBe(1)
    expect(value('verrou_renewals_total', ',verrou_extension_how="by-hand"')).toBe(1)
    const failure = ',error_type="E_LOCK_STORAGE_ERROR",verrou_action="acquire"'
    expect(value('verrou_failures_total', failure)).toBe(1)
    expect(value('verrou_forced_releases_total')).toBe(1)
    expect(value('verrou_active_waiters')).toBe(0)
    // The one that was released by force does not know of it yet.
    expect(value('verrou_active_holds')).toBe(1)
  })

  test('have the attributes and the keys that are asked for', async () => {
    const { locks, scrape } = await measured({ keys: /^report/, attributes: { 'verrou.store': 'main' } })
    for (const key of ['report', 'user:7']) await locks.createLock(key).run(() => {})
    const names = [...(await scrape()).keys()].filter((name) => name.startsWith('verrou_active_holds'))
    expect(names).toEqual([
      `verrou_active_holds{verrou_store="main",${kind},verrou_lock_key="report"}`,
      `verrou_active_holds{verrou_store="main",${kind}}`,
    ])
  })

  test('know when waiters poll, and since when they do not', async () => {
    let tell = () => {}
    let recover = () => {}
    const wakeSource: LockStore['wakeSource'] = {
      isHearing: false,
      subscribe: () => () => {},
      onTrouble(listener) {
        tell = () => listener({ reason: 'deaf', message: '' })
        return () => {}
      },
      onRecovery(listener) {
        recover = () => listener({ degradedMs: 1 })
        return () => {}
      },
    }
    const { scrape } = await measured({ store: changedStore(() => ({ wakeSource })).store })
    tell()
    expect((await scrape()).get('verrou_wakeup_degraded')).toBe(1)
    recover()
    expect((await scrape()).get('verrou_wakeup_degraded')).toBe(0)
  })

  test('count nothing after the end, and nothing as held', async () => {
    const { locks, scrape, end } = await measured()
    await locks.createLock('k').acquire()
    end()
    end()
    await locks.createLock('other').run(() => {})
    const metrics = await scrape()
    expect(metrics.get(`verrou_active_holds{${kind}}`)).toBe(0)
    expect(metrics.get(`verrou_wait_duration_count{${kind},verrou_outcome="acquired"}`)).toBe(1)
  })
})

test.each(directBackends())('on $name: a lock that is waited for is traced and measured', async (backend) => {
  const open = await backend.open()
  ends.push(() => open.close())
  const store = open.store()
  const { locks, scrape } = await measured({ store })
  const [one, other] = [locks.createLock('otel'), open.factory().createLock('otel')]
  await other.run(async () => {
    expect(await one.acquire({ retry: { attempts: 2, delay: 10 } })).toBe(false)
  })
  await one.run(() => {})
  const metrics = await scrape()
  expect(metrics.get('verrou_refused_total{verrou_lock_kind="lease",verrou_outcome="held"}')).toBe(1)
  expect(metrics.get('verrou_hold_duration_count{verrou_lock_kind="lease",verrou_outcome="released"}')).toBe(1)
})

test('a Verrou is instrumented with all its stores; without an SDK nothing happens', async () => {
  const verrou = new Verrou({ default: 'a', stores: { a: { driver: memoryStore() }, b: { driver: memoryStore() } } })
  const end = instrument(verrou)
  expect(await verrou.createLock('k').run(() => 1)).toEqual([true, 1])
  expect(
    await verrou
      .use('b')
      .createLock('k')
      .run(() => 1),
  ).toEqual([true, 1])
  end()
})

test.each<[string, () => unknown, RegExp]>([
  ['no locks', () => instrument({} as never), /^`locks` must be a Verrou or a LockFactory/],
  ['null', () => instrument(null as never), /^`locks` must be a Verrou or a LockFactory/],
  ['a typo', () => instrument(new LockFactory(memoryStore()), { key: /a/ } as never), /unknown option "key"/],
  [
    'a string',
    () => instrument(new LockFactory(memoryStore()), { keys: 'a*' as never }),
    /^`keys` must be a regular expression/,
  ],
])('%s is refused', (_name, call, message) => {
  expect(call).toThrow(message)
})
