import type { Bench } from '../bench.ts'
import { type Comparison, compare, type Play } from '../measure/compare.ts'
import { type Contender, POOL_SIZE } from '../measure/contender.ts'
import { labelOf, pairsPlay } from '../measure/pairs-play.ts'
import type { NotRun } from '../not-run.ts'
import type { Place } from '../places/place.ts'
import type { Chart, ChartSeries } from '../report/results.ts'
import { bestPoolSize } from './best-pool-size.ts'
import { pairsTable } from './pairs-table.ts'
import { ratioTarget } from './ratio-target.ts'
import type { Scenario } from './scenario.ts'

const OURS = 'verrou-sql, pgStore'
const CORE = '@verrou/core, Kysely'
const REDIS = '@verrou/core, Redis'

const JUDGED = [256, 2_000]
const BETWEEN = [1, 4, 16, 64, 1_000]
const PROCESSES = [1, 2, 3, 4]
const CALLERS_OF_EACH_PROCESS = 64

export const p2DistinctKeys: Scenario = {
  id: 'P2',
  title: 'Many callers, each with a key of its own, on Postgres',
  measures:
    'Callers of one process take and release locks, each with its own key, all at once. Acquires wait for the disk on Postgres; Redis keeps nothing on disk. Also from 1 to 2,000 callers, and from 1 to 4 processes.',
  means:
    'How many requests a second one process and one server can protect with a lock. Callers share the machine with the server here: on a server of its own, there is more.',
  async run(bench) {
    await using open = new AsyncDisposableStack()
    const postgres = open.use(await bench.place('postgres'))
    const contenders = contendersOn(postgres, await bench.placeOrReason('redis', open))
    const core: Contender = { label: CORE, peer: '@verrou/core on Postgres', place: postgres }
    const pool = await bestPoolSize(bench, core, 256)
    const best = `${CORE}, its best pool (${pool?.best ?? POOL_SIZE})`
    contenders.push({ ...core, label: best, poolSize: pool?.best ?? POOL_SIZE })

    const judged = JUDGED.map((callers) => pairsPlay(bench, callers))
    const comparison = await compare(bench, contenders, judged)
    const between = BETWEEN.map((callers) =>
      pairsPlay(bench, callers, { seconds: Math.min(1, bench.settings.seconds) }),
    )
    const curve = await compare(bench, contenders, between, 1)
    const target = (callers: number, theirs: string, atLeast: number) =>
      ratioTarget(comparison, { play: labelOf(callers), ours: OURS, theirs, atLeast })
    const processes = await byProcesses(bench, postgres)
    return {
      targets: [
        target(256, CORE, 15),
        target(256, best, 15),
        target(2_000, CORE, 25),
        target(2_000, best, 25),
        target(2_000, REDIS, 1.1),
      ],
      tables: [
        pairsTable('Acquire and release', comparison, contenders, judged),
        pairsTable('Other numbers of callers, one round each', curve, contenders, between),
        pairsTable(
          `${CALLERS_OF_EACH_PROCESS} callers in each process, one round`,
          processes.comparison,
          processes.contenders,
          processes.plays,
        ),
      ],
      charts: [callersChart(contenders, [comparison, curve]), processes.chart],
      notes: pool === undefined ? [] : [`@verrou/core with other pools, 256 callers: ${pool.tried}.`],
      leftOut: [...comparison.leftOut, ...curve.leftOut, ...processes.comparison.leftOut],
    }
  },
}

function contendersOn(postgres: Place, redis: Place | NotRun): Contender[] {
  return [
    { label: OURS, peer: 'verrou-sql on pg', place: postgres },
    { label: 'two prepared statements', peer: 'two statements, Postgres', place: postgres },
    { label: CORE, peer: '@verrou/core on Postgres', place: postgres },
    { label: REDIS, peer: '@verrou/core on Redis', place: redis },
    { label: 'redlock, Redis', peer: 'redlock on Redis', place: redis },
  ]
}

function callersChart(contenders: readonly Contender[], comparisons: readonly Comparison[]): Chart {
  const counts = [...JUDGED, ...BETWEEN].toSorted((one, other) => one - other)
  const pointAt = (label: string, callers: number): [number, number][] =>
    comparisons.flatMap((comparison) => {
      const perSecond = comparison.series(label, labelOf(callers))?.summary().perSecond.median
      return perSecond === undefined ? [] : [[callers, perSecond]]
    })
  const series = contenders.map(({ label }) => ({ name: label, points: counts.flatMap((n) => pointAt(label, n)) }))
  return {
    name: 'p2-callers',
    title: 'More callers in one process',
    kind: 'lines',
    xTitle: 'callers',
    yTitle: 'acquire + release, pairs per second',
    isLogX: true,
    isLogY: true,
    series: series.filter(({ points }) => points.length > 0),
  }
}

/** The same work by 1 to 4 processes, for those whose database is the same. */
async function byProcesses(bench: Bench, postgres: Place) {
  const play: Play = pairsPlay(bench, CALLERS_OF_EACH_PROCESS)
  const peers = { [OURS]: 'verrou-sql on pg', [CORE]: '@verrou/core on Postgres' } as const
  const contenders = Object.entries(peers).flatMap(([label, peer]) =>
    PROCESSES.map(
      (processes): Contender => ({ label: processLabel(label, processes), peer, place: postgres, processes }),
    ),
  )
  const comparison = await compare(bench, contenders, [play], 1)
  const series = Object.keys(peers).map((name): ChartSeries => {
    const points = PROCESSES.flatMap((processes): [number, number][] => {
      const seen = comparison.series(processLabel(name, processes), play.label)?.summary()
      return seen === undefined ? [] : [[processes, seen.perSecond.median]]
    })
    return { name, points }
  })
  const chart: Chart = {
    name: 'p2-processes',
    title: `More processes, ${CALLERS_OF_EACH_PROCESS} callers in each`,
    kind: 'lines',
    xTitle: 'processes',
    yTitle: 'acquire + release, pairs per second',
    series,
  }
  return { comparison, contenders, plays: [play], chart }
}

function processLabel(label: string, processes: number): string {
  return `${label}, ${processes === 1 ? '1 process' : `${processes} processes`}`
}
