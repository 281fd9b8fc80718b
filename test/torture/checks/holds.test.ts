import { describe, expect, test } from 'vitest'
import { expectNothing, found } from './expect-verdict.ts'
import { MadeUpStory } from './made-up-story.ts'

/** A grant at 1 s that its process was told nothing of, or something else. */
function unheard(): MadeUpStory {
  return new MadeUpStory()
    .says(0, { e: 'ask', op: 'lost', key: 'k', owner: 'lost', waitMs: 2_000 })
    .row(1_000, 'k', { owner: 'lost', token: 1, leftMs: 5_000 })
}

describe('holds ended or came back by themselves', () => {
  const held = () => new MadeUpStory().holds(0, { token: 1, ttlMs: 5_000, process: '1.1' })

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
    const tentative = new MadeUpStory()
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
    const late = new MadeUpStory()
      .says(0, { e: 'ask', op: 'a', key: 'k', owner: 'a', waitMs: 0 })
      .row(10, 'k', { owner: 'a', token: 1, leftMs: 1_000 })
      .says(1_500, { e: 'granted', op: 'a', key: 'k', token: 1, leftMs: -490 })
    expect(found(late.evidence())).toEqual([NAME])
    expectNothing(late.says(1_501, { e: 'stalled', forMs: 1_450 }).evidence())
  })

  test('found: told, and unknown to the database', () => {
    const phantom = new MadeUpStory().says(100, { e: 'granted', op: 'a', key: 'k', token: 1, leftMs: 900 })
    expect(found(phantom.evidence())).toEqual([NAME])
    expectNothing(phantom.evidence({ trailKind: 'sampled' }))
    expectNothing(phantom.evidence({ loss: { from: 0, until: 0 } }))
    expectNothing(phantom.evidence({ isOver: false, knownUntil: 99_000 }))
  })

  test('lawful: committed after the trail was read', () => {
    const young = new MadeUpStory()
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
    const givenBack = (atMs: number) => unheard().says(1_010, { e: 'refused', op: 'lost' }).frees(atMs).evidence()
    expectNothing(givenBack(1_590))
    expect(found(givenBack(1_650))).toEqual([NAME])
  })

  test('lawful: the same, and looked at late', () => {
    const seen = (toldMs: number) =>
      unheard().says(1_010, { e: 'refused', op: 'lost' }).row(2_000, 'k', { owner: null, leftMs: 0, toldMs })
    expectNothing(seen(1_200).evidence({ trailKind: 'sampled' }))
    expect(found(seen(1_900).evidence({ trailKind: 'sampled' }))).toEqual([NAME])
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
  const released = () =>
    new MadeUpStory().holds(0, { token: 1 }).says(100, { e: 'released', key: 'k', token: 1, code: 'ok' })

  test('found: confirmed, and still there', () => {
    expect(found(released().evidence())).toEqual(['releases that did nothing'])
  })

  test('lawful: ended, replaced or removed; not confirmed; told after the trail was read', () => {
    expectNothing(new MadeUpStory().holds(0, { token: 1 }).letsGo(100, { token: 1 }).evidence())
    expectNothing(released().row(2_000, 'k', { owner: null, token: null }).evidence())
    expectNothing(released().row(2_000, 'k', { owner: 'x', token: 2, leftMs: 10 }).evidence())
    const refused = { e: 'released', key: 'k', token: 1, code: 'E_LOCK_LOST' } as const
    expectNothing(new MadeUpStory().holds(0, { token: 1 }).says(100, refused).evidence())
    expectNothing(released().evidence({ isOver: false, knownUntil: 99_000 }))
    expectNothing(released().evidence({ loss: { from: 0, until: 0 } }))
  })

  test('lawful: where rows are looked at, held between two looks', () => {
    const unseen = new MadeUpStory().says(100, { e: 'released', key: 'k', token: 1, code: 'ok' })
    expectNothing(unseen.evidence({ trailKind: 'sampled' }))
    expect(found(released().evidence({ trailKind: 'sampled' }))).toEqual(['releases that did nothing'])
  })
})
