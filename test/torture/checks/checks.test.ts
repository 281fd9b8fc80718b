import { describe, expect, test } from 'vitest'
import type { Evidence } from '../evidence.ts'
import { CHECKS, violationsIn } from './checks.ts'
import { MadeUpStory } from './made-up-story.ts'

const SECOND_US = 1_000_000

function story(): MadeUpStory {
  return new MadeUpStory()
}

/** The checks that complain. */
function found(evidence: Evidence): string[] {
  return [...new Set(violationsIn(evidence).map(({ check }) => check))]
}

function expectNothing(evidence: Evidence): void {
  expect(violationsIn(evidence)).toEqual([])
}

/** A hold of 10 s that was taken by another at 1 s, and is believed in for as long as is said. */
function stolen(token = 2): MadeUpStory {
  return story().holds(0, { token: 1, ttlMs: 10_000, process: '1.1' }).holds(1_000, { token, process: '0.1' })
}

/** A grant at 1 s that its process was told nothing of, or something else. */
function unheard(): MadeUpStory {
  return story()
    .says(0, { e: 'ask', op: 'lost', key: 'k', owner: 'lost', waitMs: 2_000 })
    .row(1_000, 'k', { owner: 'lost', token: 1, leftMs: 5_000 })
}

test('names are unique, and say what they mean', () => {
  expect(new Set(CHECKS.map(({ name }) => name)).size).toBe(CHECKS.length)
  for (const { meaning } of CHECKS) expect(meaning).toMatch(/\S{3}/)
})

test('nothing at all is lawful', () => expectNothing(story().evidence()))

test('holds one after the other: released, handed over, run out, taken by a transaction', () => {
  const lawful = story()
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
    const taken = story().holds(0, { token: 1, ttlMs: 5_000 }).row(1_000, 'k', { owner: null, token: 2 })
    expect(found(taken.evidence())).toEqual(['holds overlap'])
  })

  test('found: granted anew to an attempt that had been told', () => {
    const anew = story().holds(0, { token: 1, op: 'a', ttlMs: 5_000 }).row(500, 'k', { token: 2, leftMs: 5_000 })
    expect(found(anew.evidence())).toEqual(['holds overlap', 'grants that were not usable'])
  })

  test('lawful: handed over by a release, in its statement', () => {
    const handed = story()
      .holds(0, { token: 1, ttlMs: 10_000, process: '1.1' })
      .says(995, { e: 'release', key: 'k', token: 1 }, '1.1')
      .holds(1_000, { token: 2 })
    expectNothing(handed.evidence())
  })

  test('lawful: granted anew to the attempt whose first answer was lost', () => {
    const anew = story().row(0, 'k', { owner: 'op2', token: 1, leftMs: 5_000 }).holds(500, { token: 2 })
    expectNothing(anew.evidence())
  })

  test('lawful: forced open, which takes a token', () => {
    const forced = story()
      .holds(0, { token: 1, ttlMs: 10_000, process: '1.1' })
      .says(990, { e: 'force', key: 'k' })
      .row(1_000, 'k', { owner: null, token: 2, leftMs: 0 })
      .holds(1_100, { token: 3 })
      .says(1_200, { e: 'alive', key: 'k', token: 1, leftMs: 8_800 }, '1.1')
    expectNothing(forced.evidence())
  })

  test('lawful: where rows are looked at, what nobody was told of may have been given back unseen', () => {
    const unseen = story().row(0, 'k', { owner: 'nobody', token: 1, leftMs: 5_000 }).holds(500, { token: 2 })
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
    const believed = story()
      .holds(0, { token: 1, ttlMs: 1_000, process: '1.1' })
      .says(900, { e: 'alive', key: 'k', token: 1, leftMs: 5_000 }, '1.1')
      .holds(1_100, { token: 2 })
    expect(found(believed.evidence())).toEqual(['believed holds overlap'])
  })

  test('found: also of a dead holder', () => {
    expect(found(stolen().dies('1.1').evidence())).toContain('believed holds overlap')
  })

  test('found: a lock that says it holds, after its successor was granted', () => {
    const believed = story()
      .holds(0, { token: 1, process: '1.1' })
      .holds(1_100, { token: 2 })
      .says(1_200, { e: 'alive', key: 'k', token: 1, leftMs: null }, '1.1')
    expect(found(believed.evidence())).toEqual(['two believe to hold'])
  })

  test('found: the key was forced open, but at another time, and not that hold', () => {
    const believed = story()
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
    const forced = story()
      .says(0, { e: 'force', key: 'k' }, '2.1')
      .holds(9_000, { token: 1, ttlMs: 5_000, process: '1.1' })
      .row(9_500, 'k', { owner: null, token: 2, leftMs: 0 })
      .holds(9_600, { token: 3 })
      .says(9_700, { e: 'alive', key: 'k', token: 1, leftMs: 4_300 }, '1.1')
    expectNothing(forced.evidence())
  })

  test('lawful: until the deadline, or until it lets go', () => {
    const believed = story()
      .holds(0, { token: 1, process: '1.1' })
      .says(999, { e: 'alive', key: 'k', token: 1, leftMs: 1 }, '1.1')
      .holds(1_001, { token: 2, ttlMs: 5_000 })
      .letsGo(1_100, { token: 2 })
      .holds(1_110, { token: 3, process: '1.1' })
    expectNothing(believed.evidence())
  })

  test('lawful: of a lease in a transaction that was rolled back', () => {
    const tentative = story()
      .says(0, { e: 'granted', op: 'a', key: 'k', token: 1, leftMs: 5_000, tentative: true }, '1.1')
      .says(5, { e: 'rolled back', op: 'a', code: 'changed its mind' }, '1.1')
      .holds(10, { token: 2 })
    expectNothing(tentative.evidence())
    const committed = tentative.says(6, { e: 'committed', op: 'a' }, '1.1').evidence()
    expect(found(committed)).toEqual(['believed holds overlap', 'grants that were not usable'])
  })

  test('lawful: what a failover lost is believed in for a while', () => {
    const lost = story()
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
    const pruned = story()
      .holds(0, { token: 2, op: 'a' })
      .letsGo(100, { token: 2 })
      .row(5_000, 'k', { token: null })
      .holds(6_000, { token, op: 'b', process: '1.1' })
    expect(found(pruned.evidence())).toEqual(['tokens did not grow'])
  })

  test('found: by the trail alone, where nobody was told', () => {
    const granted = story().row(0, 'k', { owner: 'a', token: 2, leftMs: 1 })
    const again = granted.row(10, 'k', { owner: 'b', leftMs: 1 })
    expect(found(again.evidence())).toEqual(['tokens did not grow'])
    expect(found(granted.row(20, 'k', { leftMs: 0 }).row(30, 'k', { token: 1 }).evidence())).toContain(
      'tokens did not grow',
    )
  })

  test('found: by the answers alone, though many were told meanwhile', () => {
    const told = story().says(0, { e: 'ask', op: 'late', key: 'k', owner: 'late', waitMs: 9_000 }, '1.1')
    told.says(-10, { e: 'granted', op: 'early', key: 'k', token: 1_000, leftMs: 5 })
    for (let n = 1; n <= 60; n++)
      told.says(n * 10, { e: 'granted', op: `op${n}`, key: 'k', token: 1_000 + n, leftMs: 5 })
    told.says(700, { e: 'granted', op: 'late', key: 'k', token: 999, leftMs: 5 }, '1.1')
    const loss = { from: -30 * SECOND_US, until: -20 * SECOND_US }
    expect(found(told.evidence({ loss }))).toEqual(['tokens did not grow'])
  })

  test('found: lower than the highest that had been told, not only than the last', () => {
    const crossed = story()
      .says(0, { e: 'granted', op: 'a', key: 'k', token: 5, leftMs: 1 })
      .says(1, { e: 'granted', op: 'b', key: 'k', token: 3, leftMs: 1 })
      .says(10, { e: 'ask', op: 'c', key: 'k', owner: 'c', waitMs: 0 }, '1.1')
      .says(20, { e: 'granted', op: 'c', key: 'k', token: 4, leftMs: 1 }, '1.1')
    const told = violationsIn(crossed.evidence()).filter(({ check }) => check === 'tokens did not grow')
    expect(told.map(({ what }) => what)).toContain('k: 1.1 was told 4, after somebody had been told 5')
  })

  test('lawful: told in another order than granted, by those who asked at the same time', () => {
    const crossed = story()
      .says(0, { e: 'ask', op: 'a', key: 'k', owner: 'a', waitMs: 0 }, '1.1')
      .holds(10, { token: 1, op: 'a0', ttlMs: 2 })
      .row(12, 'k', { owner: 'a', token: 2, leftMs: 2 })
      .holds(14, { token: 3, ttlMs: 2 })
      .says(20, { e: 'granted', op: 'a', key: 'k', token: 2, leftMs: null }, '1.1')
    expectNothing(crossed.evidence())
  })
})

describe('late writes, lost updates', () => {
  const guarded = () => story().holds(0, { token: 1, op: 'a', key: 'c', ttlMs: 500, process: '1.1' })

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

describe('holds ended or came back by themselves', () => {
  const held = () => story().holds(0, { token: 1, ttlMs: 5_000, process: '1.1' })

  test('found: ended by nobody', () => {
    expect(found(held().frees(1_000).evidence())).toEqual(['holds ended or came back by themselves'])
  })

  test('found: ended by nobody, and released by its holder later', () => {
    const late = held().frees(1_000).says(2_000, { e: 'release', key: 'k', token: 1 }, '1.1')
    expect(found(late.evidence())).toEqual(['holds ended or came back by themselves'])
    expectNothing(late.evidence({ trailKind: 'sampled' }))
  })

  test('found: removed while it was live', () => {
    const pruned = held().row(1_000, 'k', { owner: null, token: null })
    expect(found(pruned.evidence())).toEqual(['holds ended or came back by themselves'])
    expect(found(pruned.evidence({ trailKind: 'sampled' }))).toEqual(['holds ended or came back by themselves'])
  })

  test('found: over, and extended', () => {
    const revived = held().row(6_000, 'k', { leftMs: 5_000 })
    expect(found(revived.evidence())).toEqual(['holds ended or came back by themselves'])
  })

  test('lawful: extended in time, released, and removed when it was free', () => {
    const lawful = held()
      .row(4_900, 'k', { leftMs: 5_000 })
      .letsGo(6_000, { token: 1, process: '1.1' })
      .row(20_000, 'k', { token: null })
    expectNothing(lawful.evidence())
  })

  test('lawful: forced open, by somebody whose process died of it', () => {
    const forced = held()
      .says(900, { e: 'force', key: 'k' }, '2.1')
      .dies('2.1')
      .row(1_000, 'k', { owner: null, leftMs: 0 })
    expectNothing(forced.evidence())
  })

  test('lawful: a lease given back that nobody was told of, or that was never committed', () => {
    expectNothing(unheard().dies('0.1').frees(1_100).evidence())
    const tentative = story()
      .says(0, { e: 'granted', op: 'a', key: 'k', token: 1, leftMs: 5_000, tentative: true })
      .row(1, 'k', { owner: 'a', token: 1, leftMs: 5_000 })
      .frees(500)
    expectNothing(tentative.evidence())
  })

  test('lawful: where rows are looked at, released and removed between two looks', () => {
    const pruned = held()
      .says(900, { e: 'release', key: 'k', token: 1 }, '1.1')
      .row(1_000, 'k', { owner: null, token: null })
    expectNothing(pruned.evidence({ trailKind: 'sampled' }))
  })
})

describe('grants that were not usable', () => {
  const NAME = 'grants that were not usable'

  test('found: over when it was told, unless its process stood still', () => {
    const late = story()
      .says(0, { e: 'ask', op: 'a', key: 'k', owner: 'a', waitMs: 0 })
      .row(10, 'k', { owner: 'a', token: 1, leftMs: 1_000 })
      .says(1_500, { e: 'granted', op: 'a', key: 'k', token: 1, leftMs: -490 })
    expect(found(late.evidence())).toEqual([NAME])
    expectNothing(late.says(1_501, { e: 'stalled', forMs: 1_450 }).evidence())
  })

  test('found: told, and unknown to the database', () => {
    const phantom = story().says(100, { e: 'granted', op: 'a', key: 'k', token: 1, leftMs: 900 })
    expect(found(phantom.evidence())).toEqual([NAME])
    expectNothing(phantom.evidence({ trailKind: 'sampled' }))
    expectNothing(phantom.evidence({ loss: { from: 0, until: 0 } }))
    expectNothing(phantom.evidence({ isOver: false, knownUntil: 99_000 }))
  })

  test('lawful: committed after the trail was read', () => {
    const young = story()
      .says(100, { e: 'granted', op: 'a', key: 'k', token: 1, leftMs: 900, tentative: true })
      .says(150, { e: 'committed', op: 'a' })
    expectNothing(young.evidence({ isOver: false, knownUntil: 120_000 }))
    expect(found(young.evidence({ isOver: false, knownUntil: 160_000 }))).toEqual([NAME])
  })

  test.each(['refused', 'failed'] as const)('found: told "%s", and kept', (e) => {
    const answer = { ...{ op: 'lost', code: 'E_LOCK_TIMEOUT', message: '' }, e }
    const kept = unheard().says(1_010, answer)
    expect(found(kept.evidence())).toEqual([NAME])
    // It may yet be given back.
    expectNothing(kept.evidence({ isOver: false, knownUntil: 1_200_000 }))
  })

  test('lawful: told "refused", and given back soon', () => {
    expectNothing(unheard().says(1_010, { e: 'refused', op: 'lost' }).frees(1_200).evidence())
  })

  test('lawful: never answered, since the process died; or it died before it could give it back', () => {
    expectNothing(unheard().dies('0.1').evidence())
    expectNothing(unheard().says(1_010, { e: 'refused', op: 'lost' }).dies('0.1').evidence())
  })

  test('lawful: cut off, paused or without a database, but not because of a fault that hinders nobody', () => {
    const kept = unheard().says(1_010, { e: 'refused', op: 'lost' })
    const fault = { from: 500_000, until: 1_100_000, details: { worker: 0 } }
    const hindered = (kind: string, lane: 'network' | 'server', worker = 0) =>
      found(kept.evidence({ faults: [{ ...fault, kind, lane, details: { worker } }] }))
    expect(hindered('blackhole', 'network')).toEqual([])
    expect(hindered('crash and restart', 'server', 5)).toEqual([])
    expect(hindered('blackhole', 'network', 1)).toEqual([NAME])
    expect(hindered('cut connections', 'network')).toEqual([NAME])
    expectNothing(kept.says(1_300, { e: 'stalled', forMs: 1_000 }).evidence())
  })
})

describe('releases that did nothing', () => {
  const released = () => story().holds(0, { token: 1 }).says(100, { e: 'released', key: 'k', token: 1, code: 'ok' })

  test('found: confirmed, and still there', () => {
    expect(found(released().evidence())).toEqual(['releases that did nothing'])
  })

  test('lawful: ended, replaced or removed; not confirmed; told after the trail was read', () => {
    expectNothing(story().holds(0, { token: 1 }).letsGo(100, { token: 1 }).evidence())
    expectNothing(released().row(2_000, 'k', { owner: null, token: null }).evidence())
    expectNothing(released().row(2_000, 'k', { owner: 'x', token: 2, leftMs: 10 }).evidence())
    const refused = { e: 'released', key: 'k', token: 1, code: 'E_LOCK_LOST' } as const
    expectNothing(story().holds(0, { token: 1 }).says(100, refused).evidence())
    expectNothing(released().evidence({ isOver: false, knownUntil: 99_000 }))
    expectNothing(released().evidence({ loss: { from: 0, until: 0 } }))
  })

  test('lawful: where rows are looked at, held between two looks', () => {
    const unseen = story().says(100, { e: 'released', key: 'k', token: 1, code: 'ok' })
    expectNothing(unseen.evidence({ trailKind: 'sampled' }))
    expect(found(released().evidence({ trailKind: 'sampled' }))).toEqual(['releases that did nothing'])
  })
})

describe('waiters that were not served', () => {
  const calms = [{ from: 0, until: 8 * SECOND_US }]
  /** The key is free from 3 s on. */
  const idle = (key = 'k', owner: string | null = 'w') =>
    story()
      .holds(0, { token: 1, key, ttlMs: 3_000, process: '1.1' })
      .says(1_000, { e: 'ask', op: 'w', key, owner, waitMs: 9_000 })
      .says(7_500, { e: 'refused', op: 'w' })

  test('found: free, and wanted, in a calm', () => {
    expect(found(idle().evidence({ calms }))).toEqual(['waiters that were not served'])
  })

  test('found on MySQL only after more than a delay', () => {
    expect(found(idle().evidence({ calms, family: 'mysql' }))).toEqual(['waiters that were not served'])
    expectNothing(idle().evidence({ calms: [{ from: 0, until: 7 * SECOND_US }], family: 'mysql' }))
  })

  test('lawful: in a storm, after the answer, or while somebody else holds it', () => {
    expectNothing(idle().evidence())
    expectNothing(idle().says(4_000, { e: 'refused', op: 'w' }).evidence({ calms }))
    const served = idle().holds(4_000, { token: 2, ttlMs: 4_000, process: '1.1' })
    expectNothing(served.evidence({ calms }))
  })

  test('lawful: the waiter died', () => {
    const dead = story()
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
    story().says(0, { e: 'ask', op: 'a', key: 'k', owner: 'a', waitMs: 1_000 }).says(ms, { e: 'refused', op: 'a' })

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
    const once = story().says(0, { e: 'ask', op: 'a', key: 'k', owner: 'a', waitMs: 0 })
    expectNothing(once.says(9_000, { e: 'refused', op: 'a' }).evidence())
  })
})

describe('unexpected failures', () => {
  const failed = (code: string) => story().says(6_000, { e: 'failed', op: 'a', code, message: 'm' })
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

test('what was found after the end is passed on as it is', () => {
  expect(violationsIn(story().evidence({ leftovers: ['a row'], unfinished: ['worker 3'] }))).toEqual([
    { check: 'leftovers', what: 'a row' },
    { check: 'workers that did not finish', what: 'worker 3' },
  ])
})
