import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { distributionOf, mergedLatency, newLatency, recordMs } from '../../bench/measure/latency.ts'
import { load } from '../../bench/workers/load.ts'

/** One operation that takes so long, half of it for each of its parts. */
async function operation(ms: number): Promise<[number, number, number]> {
  const fromMs = performance.now()
  await sleep(ms / 2)
  const takenMs = performance.now()
  await sleep(ms / 2)
  return [fromMs, takenMs, performance.now()]
}

describe('load', () => {
  test('counts what ends in the measured time, and all that was done', async () => {
    const done = await load(4, { warmUpMs: 50, measureMs: 300 }, () => operation(20))
    expect(done.allOperations).toBeGreaterThan(done.operations)
    expect(done.operations / done.seconds).toBeGreaterThan(50)
    expect(done.operations / done.seconds).toBeLessThan(200)
    expect(distributionOf(mergedLatency([done.latency.both])).medianMs).toBeGreaterThan(15)
  })

  test('ends though an operation takes no turn of the event loop', async () => {
    const done = await load(2, { warmUpMs: 10, measureMs: 50 }, async () => {
      const nowMs = performance.now()
      return [nowMs, nowMs, nowMs]
    })
    expect(done.operations).toBeGreaterThan(0)
  })

  test('goes on until everybody had turns, where one of them takes longer than the measured time', async () => {
    const callers = 10
    const done = await load(callers, { warmUpMs: 1, measureMs: 1 }, () => operation(60))
    expect(done.operations).toBeGreaterThanOrEqual(2 * callers)
    const perSecond = done.operations / done.seconds
    expect(perSecond).toBeGreaterThan(40)
    expect(perSecond).toBeLessThan((callers * 1000) / 60 + 20)
  })

  test('fails when an operation fails', async () => {
    const failing = load(2, { warmUpMs: 0, measureMs: 1 }, () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
  })
})

describe('a latency', () => {
  test('keeps three digits, from a tenth of a microsecond on', () => {
    const latency = newLatency()
    for (const ms of [0.0001, 0.5, 1234]) recordMs(latency, ms)
    const { count, medianMs, maxMs } = distributionOf(latency)
    expect(count).toBe(3)
    expect(medianMs).toBeCloseTo(0.5, 3)
    expect(maxMs / 1234).toBeCloseTo(1, 2)
  })

  test('of nothing has no median', () => {
    expect(distributionOf(newLatency())).toMatchObject({ count: 0, medianMs: Number.NaN })
  })
})
