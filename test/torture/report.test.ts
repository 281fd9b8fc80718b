import { describe, expect, test } from 'vitest'
import { CHECKS } from './checks/checks.ts'
import { MadeUpStory } from './checks/made-up-story.ts'
import type { Evidence, Violation } from './evidence.ts'
import { reportOf } from './report.ts'
import { statisticsOf } from './statistics.ts'

/** Five calls: three are granted, one is refused, one dies. */
function evidence(more: Partial<Evidence> = {}): Evidence {
  return new MadeUpStory()
    .holds(0, { token: 1, op: 'a', key: 'c', process: '0.1' })
    .writes(100, { op: 'a', value: 1, token: 1 })
    .writes(200, { op: 'a2', value: 2, token: 1 }, 'unknown')
    .says(300, { e: 'commit', op: 'a3' })
    .says(400, { e: 'done', op: 'a', work: 'guarded write' })
    .holds(1_500, { token: 2, op: 'b', key: 'c', ttlMs: 5_000, process: '1.1' })
    .says(1_600, { e: 'release', key: 'c', token: 2 }, '1.1')
    .holds(1_601, { token: 3, op: 'd', key: 'c', process: '0.2' })
    .says(1_700, { e: 'lost', key: 'c', token: 3, code: 'expired' }, '0.2')
    .says(1_800, { e: 'ask', op: 'e', key: 'c', owner: 'e', waitMs: 0 }, '1.1')
    .says(1_810, { e: 'refused', op: 'e' }, '1.1')
    .says(1_820, { e: 'ask', op: 'f', key: 'c', owner: 'f', waitMs: 900 }, '1.1')
    .says(1_830, { e: 'failed', op: 'x', code: 'E_LOCK_TIMEOUT', message: '' }, '1.1')
    .says(1_840, { e: 'stalled', forMs: 900 }, '1.1')
    .row(5_000, 'u', { owner: 'nobody', token: 9, leftMs: 10 })
    .says(1_850, { e: 'clock', wall: 1_700_000_000_000 + 1.85 * 1000 + 2 * 86_400_000 })
    .evidence({ faults: [fault('kill a worker'), fault('delay'), fault('delay', 'no proxy')], ...more })
}

function fault(kind: string, failure?: string) {
  return { ...{ kind, lane: 'process' as const, details: {}, from: 0, until: 1 }, ...(failure ? { failure } : {}) }
}

function report(violations: readonly Violation[] = [], more: Partial<Evidence> = {}): string {
  const plan = { faults: [], calms: [], durationMs: 90_000 }
  return reportOf({
    verdict: { plan, evidence: evidence(more), violations, folder: '' },
    ...{ database: { name: 'mariadb', version: 'MariaDB 11.8' }, seed: 4711 },
    ...{ commit: 'abc1234', day: '2026-01-02', nodeVersion: '24.1.0' },
  })
}

/** The second cell of the row with this name. */
function cell(text: string, name: string): string | undefined {
  const cells = text.split('\n').map((line) => line.split('|').map((one) => one.trim()))
  return cells.find(([, first]) => first === name)?.[2]
}

test('says what ran, and how to run it again', () => {
  for (const part of [
    '# Torture: mariadb',
    'MariaDB 11.8',
    '8 processes',
    'seed 4711',
    'abc1234',
    '2026-01-02',
    '24.1.0',
  ])
    expect(report()).toContain(part)
  expect(report()).toContain('npm run torture -- --database mariadb --minutes 1.5 --seed 4711')
})

test('has every check, with what it means', () => {
  for (const { name, meaning } of CHECKS) {
    expect(cell(report(), name)).toBe('0')
    expect(report()).toContain(`| ${meaning} |`)
  }
})

test('counts what was done', () => {
  const rows: Record<string, string> = {
    ...{ 'guarded write': '1', '**grants**': '3', refused: '1' },
    'handed over by a release, in its statement': '1',
    'taken over: the holder’s time was over': '1',
    'holders that learnt of their loss': '1',
    'calls that failed': '1 × `E_LOCK_TIMEOUT`',
    'calls whose process died before the answer': '1',
    'grants that nobody was told of': '1',
    'increments under guards and locks until commit': '2',
    'commits that were asked for and never confirmed': '2, of which 1 had happened',
    'processes, one after the other': '3',
    'stalls of a process': '1',
    'largest skew of a clock': '2 days',
  }
  for (const [name, expected] of Object.entries(rows)) expect([name, cell(report(), name)]).toEqual([name, expected])
})

test('counts what was done to them', () => {
  expect(report()).toContain('| delay | 1 | 1 |')
  expect(report()).toContain('| kill a worker | 1 |  |')
})

test('a key that is forced open is no grant, and no hand-over', () => {
  const forced = new MadeUpStory()
    .holds(0, { token: 1, ttlMs: 5_000, process: '1.1' })
    .says(990, { e: 'force', key: 'k' })
    .row(1_000, 'k', { owner: null, token: 2, leftMs: 0 })
  expect(statisticsOf(forced.evidence())).toMatchObject({ granted: 1, unheard: 0, handOvers: 0, takeovers: 0 })
})

test('what is taken from a process that is gone is no hand-over; session locks and lost presences are counted', () => {
  const presence = '00000000000000a1'
  const story = new MadeUpStory()
    .holds(0, { token: 1, ttlMs: 9_000, process: '1.1', presence })
    .holds(1_000, { token: 2, ttlMs: 9_000, process: '2.1', presence: '00000000000000a2' })
    .says(1_500, { e: 'release', key: 'k', token: 2 }, '2.1')
    .holds(1_510, { token: 3, process: '3.1', presence: '00000000000000a3' })
    .holdsSession(0, { op: 's', untilMs: 100, code: 'ok' })
    .says(200, { e: 'session lost', op: 's', key: 'session:hot:1', code: 'ended' })
    .says(300, { e: 'presence gone' })
  const counted = { takenFromGone: 1, handOvers: 1, takeovers: 0, sessionHolds: 1, endedSessions: 1, lostPresences: 1 }
  expect(statisticsOf(story.evidence())).toMatchObject(counted)
})

describe('numbers add up', () => {
  test('every call that asked was answered, or its process died', () => {
    const { granted, refused, unanswered } = statisticsOf(evidence())
    expect(granted + refused + unanswered).toBe(5)
  })

  test('every fault was injected or could not be', () => {
    const counts = [...statisticsOf(evidence()).faults.values()]
    expect(counts.reduce((sum, { injected, failed }) => sum + injected + failed, 0)).toBe(evidence().faults.length)
  })
})

test('grants that a failover lost are named only where there was one', () => {
  const name = 'grants that were told, and lost in the failover'
  expect(cell(report(), name)).toBeUndefined()
  const loss = { from: 0, until: 1 }
  expect(cell(report([], { loss }), name)).toBe('0')
  expect(cell(report([], { loss, trail: new Map() }), name)).toBe('3')
})

test('lists violations, and says so first', () => {
  expect(report()).toContain('**No violation.**')
  expect(report()).not.toContain('## Violations')
  const violations = [
    { check: 'late writes', what: 'c: one' },
    { check: 'late writes', what: 'c: two' },
    { check: 'leftovers', what: 'a row' },
  ]
  const told = report(violations)
  expect(told).toContain('**3 violations.**')
  expect(told).not.toContain('No violation')
  expect(cell(told, 'late writes')).toBe('2')
  expect(cell(told, 'leftovers')).toBe('1')
  for (const { check, what } of violations) expect(told).toContain(`- ${check}: ${what}`)
})

test('is Markdown that renders: every row has as many cells as its head', () => {
  const lines = report().split('\n')
  let cells = 0
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith('|')) continue
    const count = line.split('|').length
    if (!lines[index - 1]?.startsWith('|')) cells = count
    expect([line, count]).toEqual([line, cells])
  }
})
