import type { Comparison, Play } from '../measure/compare.ts'
import type { Contender } from '../measure/contender.ts'
import type { Cell, Chart, Column, ResultTable } from '../report/results.ts'

const COLUMNS: readonly Column[] = [
  { title: 'who' },
  { title: 'callers' },
  { title: 'pairs/s', digits: 0 },
  { title: 'least', digits: 0 },
  { title: 'most', digits: 0 },
  { title: 'acquire, ms' },
  { title: 'p99' },
  { title: 'release, ms' },
  { title: 'p99' },
  { title: 'client CPU, µs/pair', digits: 0 },
  { title: 'statements/pair', digits: 2 },
  { title: 'log bytes/pair', digits: 0 },
]

/** Acquire and release: everybody, with every number of callers. */
export function pairsTable(
  title: string,
  comparison: Comparison,
  contenders: readonly Contender[],
  plays: readonly Play[],
): ResultTable {
  const rows = plays.flatMap((play) => contenders.flatMap(({ label }) => rowOf(comparison, label, play.label)))
  return { title, columns: COLUMNS, rows }
}

function rowOf(comparison: Comparison, contender: string, play: string): Cell[][] {
  const seen = comparison.series(contender, play)?.summary()
  if (seen === undefined) return []
  const { perSecond, take, release, cpuUs, statements = null, logBytes = null } = seen
  const latencies = [take.medianMs, take.p99Ms, release.medianMs, release.p99Ms].map(milliseconds)
  return [
    [contender, play, perSecond.median, perSecond.least, perSecond.most, ...latencies, cpuUs, statements, logBytes],
  ]
}

/** As many digits as tell something. */
export function milliseconds(ms: number): string {
  if (Number.isNaN(ms)) return '–'
  return ms < 1 ? ms.toFixed(3) : ms.toFixed(ms < 100 ? 2 : 0)
}

/** The same as bars, one group for each number of callers. */
export function pairsChart(
  { name, title, isLogY = false }: { name: string; title: string; isLogY?: boolean },
  comparison: Comparison,
  contenders: readonly Contender[],
  plays: readonly Play[],
): Chart {
  const series = contenders.flatMap(({ label }) => {
    const points = plays.flatMap((play): [string, number][] => {
      const seen = comparison.series(label, play.label)?.summary()
      return seen === undefined ? [] : [[play.label, seen.perSecond.median]]
    })
    return points.length === 0 ? [] : [{ name: label, points }]
  })
  return { name, title, kind: 'bars', xTitle: 'callers', yTitle: 'acquire + release, pairs per second', isLogY, series }
}
