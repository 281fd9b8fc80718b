import { describe, expect, test } from 'vitest'
import { drawChart } from '../../bench/report/draw-chart.ts'
import { pageOf } from '../../bench/report/page-of.ts'
import { printScenario } from '../../bench/report/print-scenario.ts'
import type { Chart, Results, ScenarioResult } from '../../bench/report/results.ts'

const CHART: Chart = {
  ...{ name: 'p1-one', title: 'One', kind: 'bars', xTitle: 'callers', yTitle: 'pairs per second' },
  series: [{ name: 'ours', points: [['1 caller', 1_200]] }],
}

const SCENARIO: ScenarioResult = {
  ...{ id: 'P1', title: 'One caller', measures: 'One takes and releases.', means: 'What a lock costs.', seconds: 12 },
  targets: [
    { what: 'ours ÷ theirs', atLeast: 1.5, unit: '×', seen: { median: 2, least: 1.8, most: 2.25, rounds: 3 } },
    { what: 'ours ÷ others', atLeast: 1.5, unit: '×', seen: { median: 1.4, least: 1.3, most: 1.6, rounds: 3 } },
    { what: 'bytes', atMost: 0, unit: 'bytes', seen: { median: 0, least: 0, most: 0, rounds: 1 } },
    { what: 'ours ÷ nobody', atLeast: 1.1, unit: '×', reason: 'this machine has no <redis-server>' },
  ],
  tables: [
    {
      title: 'Pairs',
      columns: [{ title: 'who' }, { title: 'pairs/s', digits: 0 }, { title: 'log bytes', digits: 1 }],
      rows: [['ours | pg', 1234.56, null]],
    },
  ],
  charts: [CHART],
  notes: ['A note.'],
  leftOut: [{ what: 'nobody', reason: 'this machine has no <redis-server>' }],
}

const RESULTS: Results = {
  ...{ startedAt: '2030-01-02T03:04:05.678Z', seconds: 600, commit: 'abc1234' },
  settings: { seconds: 2, rounds: 3, isQuick: false },
  machine: {
    ...{ processor: 'A processor', cores: 2, memoryGb: 8, system: 'Linux 6', node: '24.0.0' },
    ...{ loadBefore: 0.1, loadAfter: 2.5, flushMs: 0.4 },
  },
  packages: { pg: '8.0.0' },
  servers: [{ name: 'postgres', version: '18', source: 'mine', isDurable: false, settings: { fsync: 'off' } }],
  scenarios: [SCENARIO],
}

describe('the page', () => {
  const page = pageOf(RESULTS, 'benchmarks')

  test('shows what is met, what is missed, and what was not run', () => {
    expect(page).toContain('| P1 | ours ÷ theirs | ≥ 1.5 × | 2 × (1.8 – 2.25) | met |')
    expect(page).toContain('| P1 | ours ÷ others | ≥ 1.5 × | 1.4 × (1.3 – 1.6) | **MISSED** |')
    expect(page).toContain('| P1 | bytes | ≤ 0 bytes | 0 bytes | met |')
    expect(page).toContain('| P1 | ours ÷ nobody | ≥ 1.1 × | this machine has no &lt;redis-server> | **not run** |')
    expect(page).toContain('**Not run:** nobody: this machine has no &lt;redis-server>')
  })

  test('says where and how it was measured', () => {
    for (const fact of ['2030-01-02', 'abc1234', '3 rounds of 2 s', '2 × A processor', 'pg 8.0.0', '`fsync = off`'])
      expect(page).toContain(fact)
    expect(page).toContain('**postgres 18** (mine): **may lose commits that it has answered**')
  })

  test('has tables and charts', () => {
    expect(page).toContain('| ours \\| pg | 1,235 | – |')
    expect(page).toContain('![One](benchmarks/p1-one.svg)')
  })

  test('names a scenario of which nothing could be measured', () => {
    const nothing = {
      ...SCENARIO,
      targets: [],
      tables: [],
      charts: [],
      leftOut: [{ what: 'all of P1', reason: 'no server' }],
    }
    expect(pageOf({ ...RESULTS, scenarios: [nothing] }, 'b')).toContain(
      '| P1 | One caller |  | no server | **not run** |',
    )
  })
})

test('the terminal shows the same verdicts', () => {
  const printed = printScenario(SCENARIO)
  expect(printed.match(/MISSED/g)).toHaveLength(1)
  expect(printed).toContain('not run: nobody: this machine has no <redis-server>')
})

describe('a chart', () => {
  const drawn = drawChart(CHART)

  test('has its own background, and names its axes', () => {
    expect(drawn).toMatch(/^<svg /)
    expect(drawn).toMatch(/fill="#ffffff"/i)
    for (const text of ['One', 'callers', 'pairs per second', 'ours', '1,200']) expect(drawn).toContain(`>${text}<`)
  })

  test('is the same file for the same numbers', () => {
    expect(drawChart(CHART)).toBe(drawn)
  })

  test.each([true, false])('of lines, logarithmic: %s', (isLog) => {
    const series = [
      {
        name: 'ours',
        points: [
          [1, 10],
          [1_000, 20],
        ],
      },
    ] as const
    const lines = drawChart({ ...CHART, kind: 'lines', isLogX: isLog, isLogY: isLog, series })
    expect(lines).toContain('>pairs per second<')
  })
})
