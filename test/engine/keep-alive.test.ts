import { describe, expect, test } from 'vitest'
import { DatabaseClock } from '../../src/engine/database-clock.ts'
import { KeepAlive } from '../../src/engine/keep-alive.ts'
import { isLockError, type Renewal, type RenewalAnswer } from '../../src/index.ts'
import { HeldLease } from '../../src/locks/held-lease.ts'
import { FakeClock } from '../support/fake-clock.ts'

type Answer = RenewalAnswer['kind'] | 'error' | 'silence'

/** Renewals on a store that gives these answers, the last one for ever. */
function keepingWith(...answers: Answer[]) {
  const clock = new FakeClock()
  const sent: { atMs: number; keys: string[]; ttlsMs: (number | null)[] }[] = []
  const store = {
    async extendAll(renewals: readonly Renewal[]): Promise<RenewalAnswer[]> {
      sent.push({
        atMs: Math.round(clock.nowMs()),
        keys: renewals.map(({ hold }) => hold.key),
        ttlsMs: renewals.map(({ ttlUs }) => ttlUs && ttlUs / 1000),
      })
      const kind = answers.length > 1 ? answers.shift() : answers[0]
      if (kind === 'silence') return new Promise(() => {})
      if (kind === 'renewed') return renewals.map(() => ({ kind, atUs: clock.nowMs() * 1000 }))
      if (kind === 'lost' || kind === 'held') return renewals.map(() => ({ kind }))
      throw new Error('the database is down')
    },
  }
  const keepAlive = new KeepAlive({ store, timing: { clock, chance: () => 0 } })
  const hold = (key: string, ttlMs: number | null) => {
    const ttlUs = ttlMs === null ? null : ttlMs * 1000
    const deadlineMs = clock.nowMs() + (ttlMs ?? Number.POSITIVE_INFINITY)
    const init = { key, owner: 'o', token: 1, ttlUs, deadlineMs, expiresAtUs: null }
    return new HeldLease(init, clock, new DatabaseClock(clock))
  }
  return { clock, sent, keepAlive, hold }
}

describe('a hold that is kept alive', () => {
  test('is renewed at a third of its TTL, again and again', async () => {
    const { clock, sent, keepAlive, hold } = keepingWith('renewed')
    const held = hold('k', 30_000)
    keepAlive.keep(held)
    await clock.pass(95_000)
    expect(sent.map(({ atMs }) => atMs)).toEqual([
      10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 70_000, 80_000, 90_000,
    ])
    expect(held.isOver()).toBe(false)
    expect(held.remainingMs()).toBe(25_000)
    keepAlive.stop(held)
    expect(clock.pending).toBe(0)
  })

  test('is renewed together with all that are due at about the same time', async () => {
    const { clock, sent, keepAlive, hold } = keepingWith('renewed')
    for (let index = 0; index < 100; index++) {
      keepAlive.keep(hold(`k${index}`, 30_000))
      await clock.pass(10)
    }
    keepAlive.keep(hold('other', 300_000))
    await clock.pass(28_000)
    expect(sent.map(({ keys }) => keys.length)).toEqual([100, 100])
  })

  test('whose renewal finds it lost, ends, and its signal aborts', async () => {
    const { clock, sent, keepAlive, hold } = keepingWith('lost')
    const held = hold('k', 30_000)
    const { signal } = held
    keepAlive.keep(held)
    await clock.pass(10_001)
    expect(isLockError(signal.reason, 'E_LOCK_LOST')).toBe(true)
    await clock.pass(100_000)
    expect(sent).toHaveLength(1)
    expect(clock.pending).toBe(0)
  })

  test.each([
    ['fails', 'error', 10],
    ['is never answered', 'silence', 2],
  ] as const)(
    'whose renewal %s is tried again while there is time, and its signal aborts at its deadline',
    async (_what, answer, moreThan) => {
      const { clock, sent, keepAlive, hold } = keepingWith(answer)
      const held = hold('k', 30_000)
      let abortedAtMs = 0
      held.signal.addEventListener('abort', () => {
        abortedAtMs = clock.nowMs()
      })
      keepAlive.keep(held)
      await clock.pass(100_000)
      expect(abortedAtMs).toBe(30_000)
      expect(sent.length).toBeGreaterThan(moreThan)
      expect(sent.at(-1)?.atMs).toBeLessThan(30_000)
      expect(clock.pending).toBe(0)
    },
  )

  test('whose renewal failed once lives on', async () => {
    const { clock, keepAlive, hold } = keepingWith('error', 'renewed')
    const held = hold('k', 30_000)
    keepAlive.keep(held)
    await clock.pass(35_000)
    expect(held.isOver()).toBe(false)
  })

  test('does not keep others waiting whose renewal is under way', async () => {
    const { clock, sent, keepAlive, hold } = keepingWith('silence', 'renewed')
    keepAlive.keep(hold('silent', 30_000))
    await clock.pass(3_000)
    const held = hold('k', 30_000)
    keepAlive.keep(held)
    await clock.pass(11_000)
    expect(sent.map(({ keys }) => keys[0])).toContain('k')
    expect(held.remainingMs()).toBeGreaterThan(20_000)
  })

  test('whose row a transaction has locked is ours still: asked again soon, and its deadline stays', async () => {
    const { clock, sent, keepAlive, hold } = keepingWith('held', 'held', 'renewed')
    const held = hold('k', 30_000)
    keepAlive.keep(held)
    await clock.pass(10_001)
    expect(held.remainingMs()).toBeLessThan(20_000)
    expect(held.signal.aborted).toBe(false)
    await clock.pass(2_000)
    expect(sent).toHaveLength(3)
    expect(held.remainingMs()).toBeGreaterThan(27_000)
  })

  test('is not renewed beyond its longest time, and ends then exactly', async () => {
    const { clock, sent, keepAlive, hold } = keepingWith('renewed')
    const held = hold('k', 30_000)
    keepAlive.keep(held, 45_000)
    await clock.pass(44_999)
    expect(held.isOver()).toBe(false)
    await clock.pass(2)
    expect(held.isOver()).toBe(true)
    expect(sent.at(-1)?.ttlsMs).toEqual([25_000])
    await clock.pass(100_000)
    expect(sent).toHaveLength(2)
  })

  test('is not renewed again and again near its longest time, whatever the rounding', async () => {
    const { clock, sent, keepAlive, hold } = keepingWith('renewed')
    await clock.pass(0.123456)
    const held = hold('k', 30_000)
    keepAlive.keep(held, clock.nowMs() + 33_000.7)
    await clock.pass(40_000)
    expect(sent.length).toBeLessThan(5)
  })

  test('that was extended by hand is next renewed a third of its new TTL later, for that TTL', async () => {
    const { clock, sent, keepAlive, hold } = keepingWith('renewed')
    const held = hold('k', 30_000)
    keepAlive.keep(held)
    await clock.pass(5_000)
    held.ttlUs = 60_000_000
    held.deadlineMs = clock.nowMs() + 60_000
    keepAlive.extended(held)
    await clock.pass(25_001)
    expect(sent).toEqual([{ atMs: 25_000, keys: ['k'], ttlsMs: [60_000] }])
  })

  test('that was extended by hand to no end is not renewed, until it has one again', async () => {
    const { clock, sent, keepAlive, hold } = keepingWith('renewed')
    const held = hold('k', 30_000)
    keepAlive.keep(held)
    held.ttlUs = null
    held.deadlineMs = Number.POSITIVE_INFINITY
    keepAlive.extended(held)
    await clock.pass(100_000)
    expect(sent).toEqual([])
    held.ttlUs = 30_000_000
    held.deadlineMs = clock.nowMs() + 30_000
    keepAlive.extended(held)
    await clock.pass(10_001)
    expect(sent).toHaveLength(1)
  })

  test('that is released while its renewal is under way is not lost by what that finds', async () => {
    const { clock, keepAlive, hold } = keepingWith('lost')
    const held = hold('k', 30_000)
    keepAlive.keep(held)
    clock.jump(10_000)
    keepAlive.stop(held)
    await clock.pass(1)
    expect(held.state).toBe('held')
    expect(held.signal.aborted).toBe(false)
  })

  test('waits for an extension by hand that is under way', async () => {
    const { clock, sent, keepAlive, hold } = keepingWith('renewed')
    const held = hold('k', 30_000)
    keepAlive.keep(held)
    let end = () => {}
    const extending = held.extendInTurn(
      () =>
        new Promise<void>((ended) => {
          end = ended
        }),
    )
    await clock.pass(12_000)
    expect(sent).toEqual([])
    end()
    await extending
    await clock.pass(2_000)
    expect(sent).toHaveLength(1)
  })

  test('after a pause of the process beyond its TTL is not renewed: it is over', async () => {
    const { clock, sent, keepAlive, hold } = keepingWith('renewed')
    const held = hold('k', 30_000)
    keepAlive.keep(held)
    clock.jump(30_001)
    await clock.pass(1)
    expect(sent).toEqual([])
    expect(held.isOver()).toBe(true)
    expect(clock.pending).toBe(0)
  })
})
