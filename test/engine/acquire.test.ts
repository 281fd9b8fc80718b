import { describe, expect, test } from 'vitest'
import { acquire } from '../../src/engine/acquire.ts'
import { BackgroundGiveBack } from '../../src/engine/give-back.ts'
import { WaitLines } from '../../src/engine/wait-lines.ts'
import type { LockStore, TryOutcome } from '../../src/index.ts'
import { type ResolvedRetry, resolveRetry } from '../../src/options.ts'
import { StoreTrouble } from '../../src/store-trouble.ts'
import { rejection } from '../suite/rejection.ts'
import { FakeClock } from '../support/fake-clock.ts'

const REQUEST = { key: 'k', owner: 'o', attempt: 'a', ttlUs: 10_000_000, heldBy: 'test' }
const GRANTED: TryOutcome = { granted: true, token: 7, grantedAtUs: 1_000 }
const refused = (freeInUs: number | null = null): TryOutcome => ({ granted: false, freeInUs })
const LOCKED: TryOutcome = { granted: false, freeInUs: null, isUncertain: true }

type Answer = TryOutcome | Error | Promise<TryOutcome>

/** The engine on a store that gives these answers, the last one for ever. */
function engineWith(...answers: Answer[]) {
  const clock = new FakeClock()
  const sent: string[] = []
  const store: Partial<LockStore> = {
    async tryAcquire({ isRepeated = false }) {
      sent.push(`${isRepeated ? 'again' : 'try'} at ${Math.round(clock.nowMs())}`)
      const answer = (answers.length > 1 ? answers.shift() : answers[0]) as Answer
      if (answer instanceof Error) throw answer
      return answer
    },
    async abandon() {
      sent.push('abandon')
      return true
    },
    async want() {
      return 'marked'
    },
  }
  const timing = { clock, chance: () => 0.999 }
  const giveBack = new BackgroundGiveBack(store as LockStore, timing)
  const waiting = new WaitLines({ store: store as LockStore, timing, giveBack })
  const engine = { store: store as LockStore, timing, waiting, giveBack }
  const start = (retry: Partial<ResolvedRetry> = {}, ...signals: AbortSignal[]) => {
    const outcome = acquire(engine, REQUEST, { ...resolveRetry(undefined), ...retry }, ...signals)
    outcome.catch(() => {})
    return outcome
  }
  return { clock, sent, start }
}

describe('acquire', () => {
  test('the deadline counts from before the request was sent', async () => {
    let answer: (outcome: TryOutcome) => void = () => {}
    const { clock, start } = engineWith(new Promise((resolve) => (answer = resolve)))
    await clock.pass(100)
    const outcome = start()
    await clock.pass(900)
    answer(GRANTED)
    expect(await outcome).toMatchObject({ token: 7, deadlineMs: 10_100 })
  })

  test('counted tries are a delay apart', async () => {
    const { clock, sent, start } = engineWith(refused(), refused(), GRANTED)
    const outcome = start({ attempts: 5 })
    await clock.pass(600)
    expect(await outcome).toMatchObject({ token: 7 })
    expect(sent).toEqual(['try at 0', 'try at 250', 'try at 500'])
    expect(clock.pending).toBe(0)
  })

  test('without wake-ups, the pauses of one that waits for ever are short at first, and never longer than the delay', async () => {
    const { clock, sent, start } = engineWith(refused())
    void start({ delayMs: 100 })
    await clock.pass(430)
    expect(sent).toEqual([0, 5, 15, 35, 75, 155, 255, 355].map((atMs) => `try at ${atMs}`))
  })

  test('the pause ends with the lease in the way', async () => {
    const { clock, sent, start } = engineWith(refused(40_000), GRANTED)
    const outcome = start({ attempts: 5 })
    await clock.pass(100)
    await outcome
    expect(sent).toEqual(['try at 0', 'try at 40'])
  })

  test('attempts counts tries', async () => {
    const { clock, sent, start } = engineWith(refused())
    const outcome = start({ attempts: 3 })
    await clock.pass(10_000)
    expect(await outcome).toBeNull()
    expect(sent).toHaveLength(3)
  })

  test('the timeout ends a pause, and a refusal before it makes the answer null', async () => {
    const { clock, start } = engineWith(refused())
    const outcome = start({ timeoutMs: 300, delayMs: 10_000 })
    await clock.pass(299)
    await expect(Promise.race([outcome, 'pending'])).resolves.toBe('pending')
    await clock.pass(2)
    expect(await outcome).toBeNull()
    expect(clock.pending).toBe(0)
  })

  test('the timeout counts while the process is blocked: no further try', async () => {
    const { clock, sent, start } = engineWith(refused(), GRANTED)
    const outcome = start({ timeoutMs: 300, delayMs: 10_000 })
    await clock.pass(1)
    clock.jump(5_000)
    expect(await outcome).toBeNull()
    expect(sent).toEqual(['try at 0'])
    expect(clock.pending).toBe(0)
  })

  test('the timeout ends a try that is never answered, which is an error; what it may take later is given back', async () => {
    let answer: (outcome: TryOutcome) => void = () => {}
    const { clock, sent, start } = engineWith(new Promise((resolve) => (answer = resolve)))
    const outcome = start({ timeoutMs: 300 })
    await clock.pass(301)
    await rejection(outcome, 'E_LOCK_STORAGE_ERROR')
    answer(GRANTED)
    await clock.pass(1)
    expect(sent).toEqual(['try at 0', 'abandon'])
  })

  test('a timeout of 0 is one try, however long it takes', async () => {
    let answer: (outcome: TryOutcome) => void = () => {}
    const { clock, start } = engineWith(new Promise((resolve) => (answer = resolve)))
    const outcome = start({ timeoutMs: 0 })
    await clock.pass(5_000)
    answer(refused())
    expect(await outcome).toBeNull()
  })

  test('a signal ends the call at once; what the try takes later is given back', async () => {
    let answer: (outcome: TryOutcome) => void = () => {}
    const { clock, sent, start } = engineWith(new Promise((resolve) => (answer = resolve)))
    const controller = new AbortController()
    const outcome = start({}, controller.signal)
    await clock.pass(1)
    controller.abort('reason')
    await expect(outcome).rejects.toBe('reason')
    answer(GRANTED)
    await clock.pass(1)
    expect(sent).toEqual(['try at 0', 'abandon'])
    expect(clock.pending).toBe(0)
  })

  test('a row that was locked at the moment gets a second look before that is a refusal', async () => {
    const granted = engineWith(LOCKED, GRANTED)
    const outcome = granted.start({ attempts: 1 })
    await granted.clock.pass(5)
    expect(await outcome).toMatchObject({ token: 7 })

    const locked = engineWith(LOCKED)
    const second = locked.start({ attempts: 1 })
    await locked.clock.pass(100)
    expect(await second).toBeNull()
    expect(locked.sent).toEqual(['try at 0', 'try at 5'])
  })

  test('a grant that ran out before its answer arrived is no lock: after three the TTL is too short', async () => {
    const late = engineWith(new Promise((resolve) => setTimeout(resolve, 1, GRANTED)))
    const outcome = late.start()
    for (let round = 0; round < 5; round++) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      await late.clock.pass(10_001)
    }
    expect((await outcome) === null).toBe(false)

    const stillborn = engineWith(GRANTED)
    const original = stillborn.clock.nowMs.bind(stillborn.clock)
    let slowness = 0
    stillborn.clock.nowMs = () => {
      slowness += 10_001
      return original() + slowness
    }
    const lost = stillborn.start({ attempts: 5 })
    await stillborn.clock.pass(1_000)
    await rejection(lost, 'E_LOCK_LOST')
  })
})

describe('trouble', () => {
  const trouble = (kind: StoreTrouble['kind']) => new StoreTrouble(kind, new Error(kind))

  test('that passes is asked again, and counts for nothing', async () => {
    const { clock, sent, start } = engineWith(trouble('transient'), trouble('transient'), trouble('transient'), GRANTED)
    const outcome = start({ attempts: 1 })
    await clock.pass(1_000)
    expect(await outcome).toMatchObject({ token: 7 })
    expect(sent).toHaveLength(4)
  })

  test('that does not pass within 10 s is an error', async () => {
    const { clock, start } = engineWith(trouble('transient'))
    const outcome = start()
    await clock.pass(9_000)
    await expect(Promise.race([outcome, 'pending'])).resolves.toBe('pending')
    await clock.pass(2_000)
    await rejection(outcome, 'E_LOCK_STORAGE_ERROR')
  })

  test('of a lost connection is asked again twice, then it is an error and cleaned up after', async () => {
    const { clock, sent, start } = engineWith(trouble('unanswered'))
    const outcome = start()
    await clock.pass(1_000)
    await rejection(outcome, 'E_LOCK_STORAGE_ERROR')
    await clock.pass(1)
    // Said to be repeated: it may have been granted before.
    expect(sent.map((one) => one.split(' ')[0])).toEqual(['try', 'again', 'again', 'abandon'])
  })

  test('of a connection that never came about leaves nothing to clean up', async () => {
    const { clock, sent, start } = engineWith(trouble('unreachable'))
    const outcome = start()
    await clock.pass(1_000)
    await rejection(outcome, 'E_LOCK_STORAGE_ERROR')
    expect(sent).not.toContain('abandon')
  })

  test('that the database refused is not asked again; what is unknown is not either, but cleaned up after', async () => {
    const failed = engineWith(trouble('failed'))
    await rejection(failed.start(), 'E_LOCK_STORAGE_ERROR')
    expect(failed.sent).toEqual(['try at 0'])

    const bug = engineWith(new TypeError('a bug of the store'))
    const error = await rejection(bug.start(), 'E_LOCK_STORAGE_ERROR')
    expect(error.cause).toBeInstanceOf(TypeError)
    await bug.clock.pass(1)
    expect(bug.sent).toEqual(['try at 0', 'abandon'])
  })

  test('is bounded by the timeout', async () => {
    const { clock, start } = engineWith(trouble('transient'))
    const outcome = start({ timeoutMs: 200 })
    await clock.pass(201)
    await rejection(outcome, 'E_LOCK_STORAGE_ERROR')
    expect(clock.pending).toBe(0)
  })
})
