import { describe, expect, test } from 'vitest'
import { expectNothing, found } from './expect-verdict.ts'
import { MadeUpStory } from './made-up-story.ts'

describe('late writes, lost updates', () => {
  const guarded = () => new MadeUpStory().holds(0, { token: 1, op: 'a', key: 'c', ttlMs: 500, process: '1.1' })

  test('found: after another was granted', () => {
    const late = guarded().holds(600, { token: 2, key: 'c' }).writes(700, { op: 'a', value: 1, token: 1 })
    expect(found(late.evidence())).toEqual(['late writes'])
  })

  test('found: after its own release', () => {
    const late = guarded()
      .letsGo(100, { token: 1, key: 'c', process: '1.1' })
      .writes(200, { op: 'a', value: 1, token: 1 })
    expect(found(late.evidence())).toEqual(['late writes'])
  })

  test('lawful: its process gave up the hold with its presence, after the guard had passed; nobody else had it before', () => {
    const presence = '00000000000000a1'
    const given = (taker: number) =>
      new MadeUpStory()
        .says(-10, { e: 'began', isPresent: true }, '1.1')
        .holds(0, { token: 1, op: 'a', key: 'c', ttlMs: 500, process: '1.1', presence })
        .says(90, { e: 'presence gone' }, '1.1')
        .frees(100, 'c')
        .writes(200, { op: 'a', value: 1, token: 1 })
        .holds(taker, { token: 2, key: 'c' })
    expectNothing(given(210).evidence())
    expect(found(given(190).evidence())).toEqual(['late writes'])
  })

  test('found: with a token that nobody was given', () => {
    const made = guarded().writes(100, { op: 'a', value: 1, token: 7 })
    expect(found(made.evidence())).toEqual(['late writes'])
    expectNothing(made.evidence({ trailKind: 'sampled' }))
    expectNothing(made.evidence({ loss: { from: 0, until: 0 } }))
  })

  test('found: two who read the same number', () => {
    const doubled = guarded()
      .writes(100, { op: 'a', value: 1, token: 1 })
      .writes(200, { op: 'b', value: 1, token: 1 })
      .evidence({ counters: new Map([['c', 1]]), isOver: false })
    expect(found(doubled)).toEqual(['lost updates'])
  })

  test('found, once it is over: a counter that is not what was written', () => {
    const counters = new Map([['c', 2]])
    const wrong = guarded().writes(100, { op: 'a', value: 1, token: 1 })
    expect(found(wrong.evidence({ counters }))).toEqual(['lost updates'])
    expectNothing(wrong.evidence({ counters, isOver: false }))
  })

  test('found, once it is over: a commit that was acknowledged and is gone', () => {
    const gone = guarded()
      .says(100, { e: 'writes', op: 'a', counter: 'c', value: 1 })
      .says(102, { e: 'committed', op: 'a' })
    expect(found(gone.evidence())).toEqual(['lost updates'])
    expectNothing(gone.evidence({ isOver: false }))
    expectNothing(gone.evidence({ loss: { from: 0, until: 0 } }))
  })

  test('lawful: commits in turn, one of them never confirmed, before the hold’s end', () => {
    const lawful = guarded()
      .writes(100, { op: 'a', value: 1, token: 1 })
      .writes(550, { op: 'b', value: 2, token: 1 }, 'unknown')
      .holds(600, { token: 2, key: 'c' })
      .writes(700, { op: 'op2', value: 3, token: 2 })
    expectNothing(lawful.evidence())
  })

  test('lawful: rolled back, and not there', () => {
    const rolled = guarded()
      .says(100, { e: 'writes', op: 'a', counter: 'c', value: 1 })
      .says(102, { e: 'rolled back', op: 'a', code: '40001' })
    expectNothing(rolled.evidence())
  })
})
