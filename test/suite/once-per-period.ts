import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { rejection } from './rejection.ts'
import type { SuiteContext } from './suite-context.ts'

/** `runOncePer`: once in a period, whoever calls. */
export function oncePerPeriod(context: SuiteContext): void {
  test('of many that call, one runs it; the others are refused until the period ends, though it ended early', async () => {
    const key = context.key()
    const factories = Array.from({ length: 4 }, () => context.open.factory())
    const outcomes = await Promise.all(factories.map((locks, index) => locks.runOncePer(key, '1h', () => index)))
    expect(outcomes.filter(([ran]) => ran)).toHaveLength(1)
    const [first, second] = factories
    expect(await first?.runOncePer(key, '1h', () => 'again')).toEqual([false, null])
    await context.open.pass(3_500_000)
    expect(await second?.runOncePer(key, '1h', () => 'again')).toEqual([false, null])
    await context.open.pass(200_000)
    expect(await second?.runOncePer(key, '1h', () => 'again')).toEqual([true, 'again'])
  })

  test('the last run is recorded', async () => {
    const key = context.key()
    const locks = context.open.factory({ label: 'the night shift' })
    expect(await locks.lastRun(key)).toBeNull()
    let token = 0
    await locks.runOncePer(key, '1h', async ({ fencingToken }) => {
      token = fencingToken
      expect(await locks.lastRun(key)).toBeNull()
      await sleep(50)
    })
    const last = await context.open.factory().lastRun(key)
    expect(last).toMatchObject({ hasFailed: false, fencingToken: token })
    if (context.backend.family !== 'memory') expect(last?.heldBy).toBe('the night shift')
    const { startedAt = 0, endedAt = 0 } = last ?? {}
    expect(endedAt - startedAt).toBeGreaterThanOrEqual(45)
    expect(endedAt - startedAt).toBeLessThan(5_000)
  })

  test('when it throws, the error is the caller’s, and by default the next one runs it at once', async () => {
    const key = context.key()
    const locks = context.open.factory()
    const failure = new Error('the report failed')
    await expect(locks.runOncePer(key, '1h', () => Promise.reject(failure))).rejects.toBe(failure)
    expect(await locks.lastRun(key)).toMatchObject({ hasFailed: true })
    expect(await locks.runOncePer(key, '1h', () => 'done')).toEqual([true, 'done'])
    expect(await locks.lastRun(key)).toMatchObject({ hasFailed: false })
  })

  test("with onError: 'skip' a run that threw was the run of its period", async () => {
    const key = context.key()
    const locks = context.open.factory()
    const failure = new Error('the report failed')
    const failing = locks.runOncePer(key, '1h', () => Promise.reject(failure), { onError: 'skip' })
    await expect(failing).rejects.toBe(failure)
    expect(await locks.runOncePer(key, '1h', () => 'done')).toEqual([false, null])
    expect(await locks.lastRun(key)).toMatchObject({ hasFailed: true })
  })

  test('it may take longer than its TTL, and longer than the period: never two at once', async () => {
    const key = context.key()
    const locks = context.open.factory()
    const other = context.open.factory()
    const work = async () => {
      const intruders = []
      for (let round = 0; round < 12; round++) {
        await sleep(100)
        intruders.push((await other.runOncePer(key, 300, () => 'intruder', { ttl: 600 }))[0])
      }
      return intruders.filter(Boolean).length
    }
    expect(await locks.runOncePer(key, 300, work, { ttl: 600 })).toEqual([true, 0])
    expect(await other.runOncePer(key, 300, () => 'next')).toEqual([true, 'next'])
  })

  test('a run whose lease ended, as when its process died, can be run by another in the same period', async () => {
    const key = context.key()
    const locks = context.open.factory()
    const other = context.open.factory()
    const lost = locks.runOncePer(key, '1h', async () => {
      await context.open.pass(31_000)
      expect(await other.runOncePer(key, '1h', () => 'the other')).toEqual([true, 'the other'])
      return 'too late'
    })
    const error = await rejection(lost, 'E_LOCK_LOST')
    expect(error.result).toBe('too late')
    expect(await locks.runOncePer(key, '1h', () => 'third')).toEqual([false, null])
    expect(await locks.lastRun(key)).toMatchObject({ hasFailed: false })
  })

  test('closing the factory does not free the key before its period ends', async () => {
    const key = context.key()
    const locks = context.open.factory()
    await locks.runOncePer(key, '1h', () => 1)
    await locks.close()
    expect(await context.open.factory().runOncePer(key, '1h', () => 2)).toEqual([false, null])
    await rejection(
      locks.runOncePer(key, '1h', () => 3),
      'E_CLOSED',
    )
  })

  test('with retry it waits for the end of the period', async () => {
    const key = context.key()
    const locks = context.open.factory()
    expect(await locks.runOncePer(key, 400, () => 1)).toEqual([true, 1])
    expect(await locks.runOncePer(key, 400, () => 2, { retry: { timeout: '10s' } })).toEqual([true, 2])
  })

  test('bad values are refused, and nothing is run', async () => {
    const key = context.key()
    const locks = context.open.factory()
    const work = () => expect.fail('it ran')
    await rejection(locks.runOncePer('', '1h', work), 'E_INVALID_KEY')
    await rejection(locks.runOncePer(key, 0, work), 'E_INVALID_DURATION')
    await rejection(locks.runOncePer(key, Number.POSITIVE_INFINITY, work), 'E_INVALID_DURATION')
    await rejection(locks.runOncePer(key, 'often', work), 'E_INVALID_DURATION')
    await rejection(locks.runOncePer(key, '1h', work, { ttl: null as never }), 'E_INVALID_DURATION')
    await rejection(locks.runOncePer(key, '1h', work, { onError: 'explode' as never }), 'E_INVALID_OPTION')
    await rejection(locks.runOncePer(key, '1h', work, { keepAlive: false } as never), 'E_INVALID_OPTION')
    await rejection(locks.runOncePer(key, '1h', 'work' as never), 'E_INVALID_OPTION')
    await rejection(locks.lastRun(''), 'E_INVALID_KEY')
    expect(await locks.createLock(key).isLocked()).toBe(false)
  })
}
