import { describe, expect, test } from 'vitest'
import { expectNothing, found } from './expect-verdict.ts'
import { MadeUpStory } from './made-up-story.ts'

const [FIRST, SECOND] = ['00000000000000a1', '00000000000000a2'] as const
const there = (...presences: string[]) => ({ presences: new Set(presences) })

/** A hold of 9 s that is taken over at 1 s, by another one who is present. */
function takenOver({ presence = FIRST, taker = SECOND }: { presence?: string; taker?: string } = {}): MadeUpStory {
  return new MadeUpStory()
    .says(-10, { e: 'began', isPresent: true }, '1.1')
    .says(-10, { e: 'began', isPresent: true }, '2.1')
    .holds(0, { token: 1, ttlMs: 9_000, process: '1.1', presence })
    .holds(1_000, { token: 2, ttlMs: 9_000, process: '2.1', presence: taker })
}

describe('taken over from somebody who was gone', () => {
  test('lawful: killed, and the server knows the presence no more', () => {
    const killed = takenOver().dies('1.1').looks(0, 990, there(FIRST, SECOND)).looks(1_010, 2_000, there(SECOND))
    expectNothing(killed.evidence())
  })

  test('lawful: its session was ended, and it heard of that soon', () => {
    const cut = takenOver()
      .says(1_500, { e: 'alive', key: 'k', token: 1, leftMs: 7_500 }, '1.1')
      .says(1_600, { e: 'presence gone' }, '1.1')
      .looks(0, 990, there(FIRST, SECOND))
    expectNothing(cut.evidence())
  })

  test('found: the server still had the presence afterwards', () => {
    const robbed = takenOver().looks(0, 1_100, there(FIRST, SECOND))
    expect(found(robbed.evidence())).toEqual(['holds overlap', 'believed holds overlap', 'the living were robbed'])
  })

  test('found: the process lived on, and heard of nothing', () => {
    expect(found(takenOver().evidence())).toEqual(['the living were robbed'])
    expect(found(takenOver().says(-5, { e: 'presence gone' }, '1.1').evidence())).toEqual(['the living were robbed'])
  })

  test('found: it heard of it, but not soon', () => {
    const late = takenOver()
      .says(2_500, { e: 'alive', key: 'k', token: 1, leftMs: 6_500 }, '1.1')
      .says(2_600, { e: 'presence gone' }, '1.1')
    expect(found(late.evidence())).toEqual(['two believe to hold'])
  })

  test('found: it names no presence, or who took it looks at none', () => {
    const nameless = new MadeUpStory()
      .holds(0, { token: 1, ttlMs: 9_000, process: '1.1' })
      .holds(1_000, { token: 2, process: '2.1', presence: SECOND })
      .dies('1.1')
    expect(found(nameless.evidence())).toEqual(['holds overlap', 'believed holds overlap'])
    const blind = new MadeUpStory()
      .holds(0, { token: 1, ttlMs: 9_000, process: '1.1', presence: FIRST })
      .holds(1_000, { token: 2, process: '2.1' })
      .dies('1.1')
    expect(found(blind.evidence())).toEqual(['holds overlap', 'believed holds overlap'])
  })
})

describe('given up by a process that has lost its presence', () => {
  const given = (...lines: ('presence gone' | 'began')[]) => {
    const story = new MadeUpStory()
    for (const e of lines) story.says(e === 'began' ? -10 : 900, e === 'began' ? { e, isPresent: true } : { e }, '1.1')
    return story.holds(0, { token: 1, ttlMs: 9_000, process: '1.1', presence: FIRST }).frees(1_000)
  }

  test('lawful: it was told; nobody believes in it any more', () => {
    expectNothing(given('began', 'presence gone').holds(1_100, { token: 2, process: '2.1' }).evidence())
  })

  test('found: it was not', () => {
    expect(found(given('began').evidence())).toEqual(['holds ended or came back by themselves'])
  })
})

describe('waiters for what the dead have left', () => {
  const calms = [{ from: 0, until: 6_000_000 }]
  const waiting = (isPresent: boolean) =>
    new MadeUpStory()
      .says(-20, { e: 'began', isPresent }, '2.1')
      .holds(-10, { token: 1, ttlMs: 9_000, process: '1.1', presence: FIRST })
      .dies('1.1')
      .says(2_000, { e: 'ask', op: 'w', key: 'k', owner: 'w', waitMs: 5_000 }, '2.1')
      .says(5_900, { e: 'refused', op: 'w' }, '2.1')
      .looks(-100, 500, there(FIRST))

  test('found: they look at presences, and nobody took it', () => {
    expect(found(waiting(true).looks(500, 6_000, {}).evidence({ calms }))).toEqual(['waiters that were not served'])
  })

  test('lawful: they do not; the presence is there; the server is another one since', () => {
    expectNothing(waiting(false).looks(500, 6_000, {}).evidence({ calms }))
    expectNothing(waiting(true).looks(500, 6_000, there(FIRST)).evidence({ calms }))
    expectNothing(waiting(true).looks(500, 6_000, { server: 'other' }).evidence({ calms }))
  })
})
