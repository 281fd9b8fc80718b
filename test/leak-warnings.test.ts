import { beforeAll, describe, expect, test } from 'vitest'
import { memoryStore } from '../src/drivers/memory.ts'
import { LockFactory } from '../src/index.ts'
import { runChild } from './support/child.ts'
import type { LeakOutcome } from './support/leaking-worker.ts'

let outcomes: Record<string, LeakOutcome>

beforeAll(async () => {
  const { code, output } = await runChild('leaking-worker.ts', [], ['--expose-gc', '--no-warnings'])
  expect(code, output).toBe(0)
  outcomes = JSON.parse(output)
})

const outcomeOf = (name: string) => outcomes[name] as LeakOutcome
const leaksOf = (name: string) => outcomeOf(name).leaks.length

describe('a hold that is never released', () => {
  test('is warned of in development, with its key and where it was taken; and goes on', () => {
    const { leaks, warnings, isLocked } = outcomeOf('hold')
    const takenAt = expect.stringMatching(/^ {4}at .*leaking-worker\.ts:\d+:\d+/)
    expect(leaks).toEqual([{ key: 'k', kind: 'lease', isUncommitted: false, isKeptAlive: false, takenAt }])
    expect(warnings).toEqual([
      'VerrouWarning VERROU_LEAK: the lock on "k" was never released, and its object is gone: it stays locked until its TTL ends; use `await using` or `run`, or release it in `finally`',
    ])
    expect(isLocked).toBe(true)
  })

  test.each(['hold in a class', 'hold whose signal was looked at'])('is found, too: %s', (name) => {
    expect(leaksOf(name)).toBe(1)
  })

  test('that is kept alive is renewed on, and that is said', () => {
    const { leaks, warnings, isLocked } = outcomeOf('hold that is kept alive')
    expect(leaks).toMatchObject([{ isKeptAlive: true }])
    expect(warnings).toEqual([expect.stringContaining('it stays locked until the process ends or the factory closes')])
    expect(isLocked).toBe(true)
  })

  test('in a loop is warned of once', () => {
    expect(leaksOf('hold in a loop')).toBe(20)
    expect(outcomeOf('hold in a loop').warnings).toHaveLength(1)
  })

  test('goes to the logger, if there is one', () => {
    expect(outcomeOf('hold, with a logger').warnings).toEqual([
      expect.stringMatching(/^code,key,takenAt the lock on "k" was never released/),
    ])
  })

  test('is nothing to warn of in production, unless that is wanted', () => {
    expect(leaksOf('hold, in production')).toBe(0)
    expect(leaksOf('hold, in production, wanted')).toBe(1)
    expect(leaksOf('hold, not wanted')).toBe(0)
  })

  test('that was taken with acquire() is found if that is wanted', () => {
    expect(leaksOf('acquire')).toBe(0)
    expect(outcomeOf('acquire, wanted').leaks).toMatchObject([{ takenAt: expect.stringContaining('leaking-worker') }])
  })
})

test.each(['released', 'serialized'])('what was %s has not leaked', (name) => {
  expect(outcomeOf(name)).toMatchObject({ leaks: [], warnings: [] })
})

test('the option is true or false', () => {
  expect(() => new LockFactory(memoryStore(), { leakWarnings: 'yes' as never })).toThrow(
    /^`leakWarnings` must be true or false; got "yes"/,
  )
})
