import { describe, expect, test } from 'vitest'
import { violationsIn } from './checks.ts'
import { expectNothing, found } from './expect-verdict.ts'
import { MadeUpStory } from './made-up-story.ts'

const SECOND_US = 1_000_000

/** A hold of 10 s that was taken by another at 1 s, and is believed in for as long as is said. */
function stolen(token = 2): MadeUpStory {
  return new MadeUpStory().holds(0, { token: 1, ttlMs: 10_000, process: '1.1' }).holds(1_000, { token, process: '0.1' })
}

test('holds one after the other: released, handed over, run out, taken by a transaction', () => {
  const lawful = new MadeUpStory()
    .holds(0, { token: 1, process: '1.1' })
    .letsGo(500, { token: 1, process: '1.1' })
    .holds(600, { token: 2 })
    .holds(1_700, { token: 3, process: '1.1' })
    .row(3_000, 'k', { owner: null, token: 4, leftMs: 0 })
  expectNothing(lawful.evidence())
})

describe('holds overlap', () => {
  test('found: granted while another lease is live', () => {
    expect(found(stolen().evidence())).toEqual(['holds overlap', 'believed holds overlap'])
  })

  test('found: its holder lets go later, as most do in the end', () => {
    const late = stolen().says(1_500, { e: 'release', key: 'k', token: 1 }, '1.1')
    expect(found(late.evidence())).toContain('holds overlap')
  })

  test('found: by a lock until commit', () => {
    const taken = new MadeUpStory().holds(0, { token: 1, ttlMs: 5_000 }).row(1_000, 'k', { owner: null, token: 2 })
    expect(found(taken.evidence())).toEqual(['holds overlap'])
  })

  test('found: granted anew to an attempt that had been told', () => {
    const anew = new MadeUpStory()
      .holds(0, { token: 1, op: 'a', ttlMs: 5_000 })
      .row(500, 'k', { token: 2, leftMs: 5_000 })
    expect(found(anew.evidence())).toEqual(['holds overlap', 'grants that were not usable'])
  })

  test('lawful: handed over by a release, in its statement', () => {
    const handed = new MadeUpStory()
      .holds(0, { token: 1, ttlMs: 10_000, process: '1.1' })
      .says(995, { e: 'release', key: 'k', token: 1 }, '1.1')
      .holds(1_000, { token: 2 })
    expectNothing(handed.evidence())
  })

  test('lawful: granted anew to the attempt whose first answer was lost', () => {
    const anew = new MadeUpStory().row(0, 'k', { owner: 'op2', token: 1, leftMs: 5_000 }).holds(500, { token: 2 })
    expectNothing(anew.evidence())
  })

  test('lawful: forced open, which takes a token', () => {
    const forced = new MadeUpStory()
      .holds(0, { token: 1, ttlMs: 10_000, process: '1.1' })
      .says(990, { e: 'force', key: 'k' })
      .row(1_000, 'k', { owner: null, token: 2, leftMs: 0 })
      .holds(1_100, { token: 3 })
      .says(1_200, { e: 'alive', key: 'k', token: 1, leftMs: 8_800 }, '1.1')
    expectNothing(forced.evidence())
  })

  test('lawful: where rows are looked at, what nobody was told of may have been given back unseen', () => {
    const unseen = new MadeUpStory().row(0, 'k', { owner: 'nobody', token: 1, leftMs: 5_000 }).holds(500, { token: 2 })
    expectNothing(unseen.evidence({ trailKind: 'sampled' }))
    expect(found(unseen.evidence())).toEqual(['holds overlap'])
  })

  test('lawful: where rows are looked at, a change can be dated before the release that explains it', () => {
    const dated = stolen().says(1_500, { e: 'release', key: 'k', token: 1 }, '1.1')
    expect(found(dated.evidence({ trailKind: 'sampled' }))).not.toContain('holds overlap')
  })
})

describe('beliefs', () => {
  test('found: two, where the database knows better than both', () => {
    const believed = new MadeUpStory()
      .holds(0, { token: 1, ttlMs: 1_000, process: '1.1' })
      .says(900, { e: 'alive', key: 'k', token: 1, leftMs: 5_000 }, '1.1')
      .holds(1_100, { token: 2 })
    expect(found(believed.evidence())).toEqual(['believed holds overlap'])
  })

  test('found: also of a dead holder', () => {
    expect(found(stolen().dies('1.1').evidence())).toContain('believed holds overlap')
  })

  test('found: a lock that says it holds, after its successor was granted', () => {
    const believed = new MadeUpStory()
      .holds(0, { token: 1, process: '1.1' })
      .holds(1_100, { token: 2 })
      .says(1_200, { e: 'alive', key: 'k', token: 1, leftMs: null }, '1.1')
    expect(found(believed.evidence())).toEqual(['two believe to hold'])
  })

  test('found: the key was forced open, but at another time, and not that hold', () => {
    const believed = new MadeUpStory()
      .says(0, { e: 'force', key: 'k' })
      .holds(500, { token: 1, process: '1.1' })
      .says(1_400, { e: 'alive', key: 'k', token: 1, leftMs: 5_000 }, '1.1')
      .holds(1_600, { token: 2 })
      .says(1_700, { e: 'alive', key: 'k', token: 1, leftMs: null }, '1.1')
    expect(found(believed.evidence())).toEqual(['believed holds overlap', 'two believe to hold'])
    // Looks do not show whom it hit.
    expectNothing(believed.evidence({ trailKind: 'sampled' }))
  })

  test('lawful: forced by somebody whose call hung for long', () => {
    const forced = new MadeUpStory()
      .says(0, { e: 'force', key: 'k' }, '2.1')
      .holds(9_000, { token: 1, ttlMs: 5_000, process: '1.1' })
      .row(9_500, 'k', { owner: null, token: 2, leftMs: 0 })
      .holds(9_600, { token: 3 })
      .says(9_700, { e: 'alive', key: 'k', token: 1, leftMs: 4_300 }, '1.1')
    expectNothing(forced.evidence())
  })

  test('lawful: thrown out before it was told of its grant, after the next holder was told of its own', () => {
    const late = new MadeUpStory()
      .says(0, { e: 'ask', op: 'late', key: 'k', owner: 'late', waitMs: 5_000 }, '1.1')
      .row(100, 'k', { owner: 'late', token: 1, leftMs: 3_000 })
      .says(110, { e: 'force', key: 'k' }, '2.1')
      .row(120, 'k', { owner: null, token: 2, leftMs: 0 })
      .holds(130, { token: 3 })
      .says(140, { e: 'granted', op: 'late', key: 'k', token: 1, leftMs: 2_900 }, '1.1')
    expectNothing(late.evidence())
  })

  test('lawful: until the deadline, or until it lets go', () => {
    const believed = new MadeUpStory()
      .holds(0, { token: 1, process: '1.1' })
      .says(999, { e: 'alive', key: 'k', token: 1, leftMs: 1 }, '1.1')
      .holds(1_001, { token: 2, ttlMs: 5_000 })
      .letsGo(1_100, { token: 2 })
      .holds(1_110, { token: 3, process: '1.1' })
    expectNothing(believed.evidence())
  })

  test('lawful: of a lease in a transaction that was rolled back', () => {
    const tentative = new MadeUpStory()
      .says(0, { e: 'granted', op: 'a', key: 'k', token: 1, leftMs: 5_000, tentative: true }, '1.1')
      .says(5, { e: 'rolled back', op: 'a', code: 'changed its mind' }, '1.1')
      .holds(10, { token: 2 })
    expectNothing(tentative.evidence())
    const committed = tentative.says(6, { e: 'committed', op: 'a' }, '1.1').evidence()
    expect(found(committed)).toEqual(['believed holds overlap', 'grants that were not usable'])
  })

  test('lawful: of one that was rolled back, whose token the next one has, since a fault had set it ahead', () => {
    const again = new MadeUpStory()
      .says(0, { e: 'ask', op: 'a', key: 'k', owner: 'a', waitMs: 0 }, '1.1')
      .says(1, { e: 'granted', op: 'a', key: 'k', token: 7, leftMs: 3_000, tentative: true }, '1.1')
      .says(2, { e: 'rolled back', op: 'a', code: 'changed its mind' }, '1.1')
      .holds(100, { token: 7, op: 'b' })
      .letsGo(200, { token: 7 })
    expectNothing(again.evidence())
  })

  test('lawful: what a failover lost is believed in for a while', () => {
    const lost = new MadeUpStory()
      .says(0, { e: 'granted', op: 'a', key: 'k', token: 1, leftMs: 5_000 }, '1.1')
      .holds(1_000, { token: 2 })
      .says(1_100, { e: 'alive', key: 'k', token: 1, leftMs: 3_900 }, '1.1')
    expectNothing(lost.evidence({ loss: { from: 0.5 * SECOND_US, until: 0.9 * SECOND_US } }))
    const later = { from: 30 * SECOND_US, until: 31 * SECOND_US }
    expect(found(lost.evidence({ loss: later }))).toEqual(['believed holds overlap', 'two believe to hold'])
  })
})

describe('tokens did not grow', () => {
  test.each([2, 1])('found: %i after 2, though the row was removed in between', (token) => {
    const pruned = new MadeUpStory()
      .holds(0, { token: 2, op: 'a' })
      .letsGo(100, { token: 2 })
      .row(5_000, 'k', { token: null })
      .holds(6_000, { token, op: 'b', process: '1.1' })
    expect(found(pruned.evidence())).toEqual(['tokens did not grow'])
  })

  test('found: by the trail alone, where nobody was told', () => {
    const granted = new MadeUpStory().row(0, 'k', { owner: 'a', token: 2, leftMs: 1 })
    const again = granted.row(10, 'k', { owner: 'b', leftMs: 1 })
    expect(found(again.evidence())).toEqual(['tokens did not grow'])
    expect(found(granted.row(20, 'k', { leftMs: 0 }).row(30, 'k', { token: 1 }).evidence())).toContain(
      'tokens did not grow',
    )
  })

  test('found: by the answers alone, though many were told meanwhile', () => {
    const told = new MadeUpStory().says(0, { e: 'ask', op: 'late', key: 'k', owner: 'late', waitMs: 9_000 }, '1.1')
    told.says(-10, { e: 'granted', op: 'early', key: 'k', token: 1_000, leftMs: 5 })
    for (let n = 1; n <= 60; n++)
      told.says(n * 10, { e: 'granted', op: `op${n}`, key: 'k', token: 1_000 + n, leftMs: 5 })
    told.says(700, { e: 'granted', op: 'late', key: 'k', token: 999, leftMs: 5 }, '1.1')
    const loss = { from: -30 * SECOND_US, until: -20 * SECOND_US }
    expect(found(told.evidence({ loss }))).toEqual(['tokens did not grow'])
  })

  test('found: lower than the highest that had been told, not only than the last', () => {
    const crossed = new MadeUpStory()
      .says(0, { e: 'granted', op: 'a', key: 'k', token: 5, leftMs: 1 })
      .says(1, { e: 'granted', op: 'b', key: 'k', token: 3, leftMs: 1 })
      .says(10, { e: 'ask', op: 'c', key: 'k', owner: 'c', waitMs: 0 }, '1.1')
      .says(20, { e: 'granted', op: 'c', key: 'k', token: 4, leftMs: 1 }, '1.1')
    const told = violationsIn(crossed.evidence()).filter(({ check }) => check === 'tokens did not grow')
    expect(told.map(({ what }) => what)).toContain('k: 1.1 was told 4, after somebody had been told 5')
  })

  test('lawful: told in another order than granted, by those who asked at the same time', () => {
    const crossed = new MadeUpStory()
      .says(0, { e: 'ask', op: 'a', key: 'k', owner: 'a', waitMs: 0 }, '1.1')
      .holds(10, { token: 1, op: 'a0', ttlMs: 2 })
      .row(12, 'k', { owner: 'a', token: 2, leftMs: 2 })
      .holds(14, { token: 3, ttlMs: 2 })
      .says(20, { e: 'granted', op: 'a', key: 'k', token: 2, leftMs: null }, '1.1')
    expectNothing(crossed.evidence())
  })
})
