import { describe, expect, test } from 'vitest'
import { expectNothing, found } from './expect-verdict.ts'
import { MadeUpStory } from './made-up-story.ts'

const SECOND_US = 1_000_000

describe('waiters that were not served', () => {
  const calms = [{ from: 0, until: 8 * SECOND_US }]
  /** The key is free from 3 s on. */
  const idle = (key = 'k', owner: string | null = 'w') =>
    new MadeUpStory()
      .holds(0, { token: 1, key, ttlMs: 3_000, process: '1.1' })
      .says(1_000, { e: 'ask', op: 'w', key, owner, waitMs: 9_000 })
      .says(7_500, { e: 'refused', op: 'w' })

  test('found: free, and wanted, in a calm', () => {
    expect(found(idle().evidence({ calms }))).toEqual(['waiters that were not served'])
  })

  test('found on MySQL only after more than a delay', () => {
    expect(found(idle().evidence({ calms, isPolled: true }))).toEqual(['waiters that were not served'])
    expectNothing(idle().evidence({ calms: [{ from: 0, until: 7 * SECOND_US }], isPolled: true }))
  })

  test('lawful: in a storm, after the answer, or while somebody else holds it', () => {
    expectNothing(idle().evidence())
    expectNothing(idle().says(4_000, { e: 'refused', op: 'w' }).evidence({ calms }))
    const served = idle().holds(4_000, { token: 2, ttlMs: 4_000, process: '1.1' })
    expectNothing(served.evidence({ calms }))
  })

  test('lawful: the waiter died', () => {
    const dead = new MadeUpStory()
      .holds(0, { token: 1, ttlMs: 3_000, process: '1.1' })
      .says(1_000, { e: 'ask', op: 'w', key: 'k', owner: 'w', waitMs: 9_000 })
      .dies('0.1')
    expectNothing(dead.evidence({ calms }))
  })

  test('left out: transactions, and the keys of counters', () => {
    expectNothing(idle('k', null).evidence({ calms }))
    expectNothing(idle('c').evidence({ calms, counters: new Map([['c', 0]]) }))
  })
})

describe('late answers', () => {
  const waited = (ms: number) =>
    new MadeUpStory()
      .says(0, { e: 'ask', op: 'a', key: 'k', owner: 'a', waitMs: 1_000 })
      .says(ms, { e: 'refused', op: 'a' })

  test('found: after the timeout', () => {
    expect(found(waited(2_600).evidence())).toEqual(['late answers'])
  })

  test('found: another process stood still', () => {
    expect(found(waited(2_600).says(2_000, { e: 'stalled', forMs: 1_500 }, '1.1').evidence())).toEqual(['late answers'])
  })

  test('lawful: in time, without a timeout, or after a standstill', () => {
    expectNothing(waited(2_400).evidence())
    expectNothing(waited(2_600).says(2_650, { e: 'stalled', forMs: 1_500 }).evidence())
    // It is written down after what else was waiting, and reckoned a little short.
    expectNothing(waited(2_600).says(4_150, { e: 'stalled', forMs: 1_500 }).evidence())
    const once = new MadeUpStory().says(0, { e: 'ask', op: 'a', key: 'k', owner: 'a', waitMs: 0 })
    expectNothing(once.says(9_000, { e: 'refused', op: 'a' }).evidence())
  })
})

describe('unexpected failures', () => {
  const failed = (code: string) => new MadeUpStory().says(6_000, { e: 'failed', op: 'a', code, message: 'm' })
  const calms = [{ from: 0, until: 8 * SECOND_US }]

  test('found: no LockError, or one that says that the caller or the table is wrong', () => {
    for (const code of ['TypeError:x', 'E_INVALID_OPTION', 'E_SCHEMA_MISSING'])
      expect(found(failed(code).evidence())).toEqual(['unexpected failures'])
  })

  test('found: trouble with the database in a calm', () => {
    expect(found(failed('E_LOCK_STORAGE_ERROR').evidence({ calms }))).toEqual(['unexpected failures'])
  })

  test('lawful: the same in a storm, or right after it; a timeout at any time', () => {
    expectNothing(failed('E_LOCK_STORAGE_ERROR').evidence())
    expectNothing(failed('E_LOCK_STORAGE_ERROR').evidence({ calms: [{ from: 4 * SECOND_US, until: 9 * SECOND_US }] }))
    expectNothing(failed('E_LOCK_TIMEOUT').evidence({ calms }))
  })
})
