import { describe, expect, test } from 'vitest'
import { expectNothing, found } from './expect-verdict.ts'
import { MadeUpStory } from './made-up-story.ts'

const KEY = 'session:hot:1'
const heldBy = (session: string) => ({ holders: new Map([[KEY, session]]) })
const PAUSE = {
  kind: 'pause a worker',
  lane: 'process' as const,
  details: { worker: 1 },
  from: 300_000,
  until: 4_000_000,
}

describe('session locks overlap', () => {
  test('lawful: one after the other', () => {
    const lawful = new MadeUpStory()
      .holdsSession(0, { op: 'a', process: '1.1', untilMs: 500, code: 'ok' })
      .holdsSession(501, { op: 'b', untilMs: 900, code: 'ok' })
    expectNothing(lawful.evidence())
  })

  test('found: both releases were confirmed, though they overlap by a moment', () => {
    const both = new MadeUpStory()
      .holdsSession(0, { op: 'a', process: '1.1', untilMs: 500, code: 'ok' })
      .holdsSession(499, { op: 'b', untilMs: 900, code: 'ok' })
    expect(found(both.evidence())).toEqual(['session locks overlap'])
  })

  test('found: granted to somebody who asked while another one held it, whatever became of it', () => {
    const both = new MadeUpStory()
      .holdsSession(0, { op: 'a', process: '1.1', untilMs: 500, code: 'ok' })
      .holdsSession(300, { op: 'b', untilMs: 400, code: 'E_LOCK_NOT_OWNED' })
    expect(found(both.evidence())).toEqual(['session locks overlap'])
  })

  test('lawful: the session had ended, and the news came soon', () => {
    const lost = new MadeUpStory()
      .holdsSession(0, { op: 'a', process: '1.1', untilMs: 1_000, code: 'E_LOCK_NOT_OWNED' })
      .holdsSession(200, { op: 'b', untilMs: 5_000, code: 'ok' })
    expectNothing(lost.evidence())
  })

  test('lawful: the answer to who was told first had come late', () => {
    const late = new MadeUpStory()
      .says(-500, { e: 'ask', op: 'b', key: KEY, owner: null, waitMs: 0 })
      .holdsSession(0, { op: 'a', process: '1.1', untilMs: 500, code: 'ok' })
      .says(100, { e: 'session granted', op: 'b', key: KEY })
      .says(110, { e: 'session released', op: 'b', key: KEY, code: 'E_LOCK_LOST' })
    expectNothing(late.evidence())
  })

  test('found: the session had ended, and its holder believed in it for long', () => {
    const deaf = new MadeUpStory()
      .holdsSession(0, { op: 'a', process: '1.1', untilMs: 3_000, code: 'E_LOCK_NOT_OWNED' })
      .holdsSession(200, { op: 'b', untilMs: 5_000, code: 'ok' })
    expect(found(deaf.evidence())).toEqual(['session locks overlap'])
    expectNothing(deaf.evidence({ faults: [PAUSE] }))
  })
})

describe('session locks that the server does not know', () => {
  const hold = (code: string) => new MadeUpStory().holdsSession(0, { op: 'a', process: '1.1', untilMs: 3_000, code })

  test('lawful: its session has it, before and after it somebody else has', () => {
    const lawful = hold('ok').looks(-100, 0, heldBy('1')).looks(5, 2_990, heldBy('2')).looks(3_000, 3_100, heldBy('1'))
    expectNothing(lawful.evidence())
  })

  test('found: nobody had it for a moment, and its release was confirmed', () => {
    const free = hold('ok').looks(5, 1_000, heldBy('1')).looks(1_000, 1_020, {}).looks(1_020, 2_000, heldBy('1'))
    expect(found(free.evidence())).toEqual(['session locks that the server does not know'])
  })

  test('found: another session had it', () => {
    const other = hold('ok').looks(5, 1_000, heldBy('1')).looks(1_000, 2_000, heldBy('2'))
    expect(found(other.evidence())).toEqual(['session locks that the server does not know'])
  })

  test('lawful: the session had ended, and the news came soon', () => {
    const ended = hold('E_LOCK_NOT_OWNED').looks(5, 2_400, heldBy('1')).looks(2_400, 3_000, {})
    expectNothing(ended.evidence())
  })

  test('found: the session had ended, and its holder believed in it for long', () => {
    const deaf = hold('E_LOCK_NOT_OWNED').looks(5, 1_000, heldBy('1')).looks(1_000, 3_000, heldBy('2'))
    expect(found(deaf.evidence())).toEqual(['session locks that the server does not know'])
    expectNothing(deaf.evidence({ faults: [PAUSE] }))
  })
})

describe('waiters for session locks that were not served', () => {
  const calms = [{ from: 0, until: 6_000_000 }]
  const waiting = (until: number) =>
    new MadeUpStory()
      .says(2_000, { e: 'ask', op: 'a', key: KEY, owner: null, waitMs: 5_000 })
      .says(until, { e: 'refused', op: 'a' })

  test('found: nobody had it, and somebody waited', () => {
    const idle = waiting(5_900).looks(0, 6_000, {})
    expect(found(idle.evidence({ calms }))).toEqual(['waiters for session locks that were not served'])
  })

  test('lawful: somebody else had it; in a storm; for a moment; where it is polled for', () => {
    expectNothing(waiting(5_900).looks(0, 6_000, heldBy('1')).evidence({ calms }))
    expectNothing(waiting(5_900).looks(0, 6_000, {}).evidence())
    expectNothing(waiting(3_500).looks(0, 6_000, {}).evidence({ calms }))
    expectNothing(waiting(5_000).looks(0, 6_000, {}).evidence({ calms, isPolled: true }))
  })
})
