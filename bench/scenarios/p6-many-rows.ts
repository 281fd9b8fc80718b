import type { Bench } from '../bench.ts'
import { compare, type LeftOut, type Play } from '../measure/compare.ts'
import type { Contender } from '../measure/contender.ts'
import { pairsPlay } from '../measure/pairs-play.ts'
import { ratioOf } from '../measure/spread.ts'
import type { Place } from '../places/place.ts'
import type { Cell, Chart, ResultTable, Target } from '../report/results.ts'
import { makeIdleRows, tableFacts } from './idle-rows.ts'
import { manyCycles } from './many-cycles.ts'
import { milliseconds, pairsTable } from './pairs-table.ts'
import type { Scenario } from './scenario.ts'
import { whilePruning } from './while-pruning.ts'

const ROWS = [0, 100_000, 1_000_000, 5_000_000]
const QUICK_ROWS = [0, 10_000, 100_000]
const OWN_KEY = '1 caller, a key of its own'

const SIZE_COLUMNS = [
  ...[{ title: '' }, { title: 'table, MB', digits: 1 }, { title: 'index, MB', digits: 1 }],
  { title: 'bytes for each key', digits: 0 },
]

export const p6ManyRows: Scenario = {
  id: 'P6',
  title: 'Millions of idle rows, and a million locks',
  measures:
    'The lock table of Postgres with up to 5 million keys that nobody holds; one caller takes and releases locks: always its own key, or any of the idle ones. Then 256 callers take and release 1,000 keys a million times, and the size of the table is looked at. Then one caller works while the sweep removes millions of old rows.',
  means:
    'Lock names may be as many as there are orders or users, and nobody has to clean up: what a lock costs does not depend on how many there ever were, and the table does not grow by being used.',
  async run(bench) {
    await using open = new AsyncDisposableStack()
    const postgres = open.use(await bench.place('postgres'))
    const counts = bench.settings.isQuick ? QUICK_ROWS : ROWS
    const most = counts.at(-1) as number
    const rows = await byRows(bench, postgres, counts)
    const cycles = await manyCycles(bench, postgres)
    const pruning = await whilePruning(bench, postgres, tableOf(most), most)
    return {
      targets: [...rows.targets, ...cycles.targets, ...pruning.targets],
      tables: [...rows.tables, ...cycles.tables, ...pruning.tables],
      charts: [rows.chart],
      notes: [
        '"An empty table" has the rows of the callers only. The second table is about keys that are on pages which were not used for long: they must be read, and go to the log as a whole when they change for the first time after a checkpoint.',
        ...cycles.notes,
        ...pruning.notes,
      ],
      leftOut: [...rows.leftOut, ...cycles.leftOut, ...pruning.leftOut],
    }
  },
}

interface ByRows {
  readonly targets: readonly Target[]
  readonly tables: readonly ResultTable[]
  readonly chart: Chart
  readonly leftOut: readonly LeftOut[]
}

async function byRows(bench: Bench, postgres: Place, counts: readonly number[]): Promise<ByRows> {
  const contenders: Contender[] = []
  const sizes: Cell[][] = []
  for (const rows of counts) {
    const tableName = tableOf(rows)
    bench.progress.say(`making ${rows.toLocaleString('en')} idle rows`)
    bench.signal.throwIfAborted()
    await makeIdleRows(postgres, tableName, rows)
    const { tableBytes, indexBytes, bytes } = await tableFacts(postgres, tableName)
    sizes.push([labelOf(rows), tableBytes / 1e6, indexBytes / 1e6, rows === 0 ? null : bytes / rows])
    contenders.push({ label: labelOf(rows), peer: 'verrou-sql on pg', place: postgres, tableName })
  }
  // What filling has left to be written must not be written while it is measured.
  await postgres.send('checkpoint')
  const plays: Play[] = [pairsPlay(bench, 1, { label: OWN_KEY })]
  const comparison = await compare(bench, contenders, plays)
  const withRows = contenders.slice(1)
  const least = counts[1] as number
  // As many in each table, so that as much is in memory.
  const idleKeys = `1 caller, ${least.toLocaleString('en')} of the idle keys in no order`
  const idlePlay = pairsPlay(bench, 1, { label: idleKeys, keys: { prefix: 'idle:', count: least, isRandom: true } })
  const idle = await compare(bench, withRows, [idlePlay])
  const empty = comparison.series(labelOf(0), OWN_KEY)
  const most = counts.at(-1) as number
  const full = comparison.series(labelOf(most), OWN_KEY)
  const what = `acquire, median: ${labelOf(most)} ÷ an empty table`
  const seen = empty && full && ratioOf(full.medianTakeMs(), empty.medianTakeMs())
  const series = [
    { name: 'a key of its own', from: comparison, play: OWN_KEY },
    { name: 'idle keys in no order', from: idle, play: idleKeys },
  ].map(({ name, from, play }) => ({
    name,
    points: counts.flatMap((rows): [string, number][] => {
      const summary = from.series(labelOf(rows), play)?.summary()
      return summary === undefined ? [] : [[rows.toLocaleString('en'), Number(milliseconds(summary.take.medianMs))]]
    }),
  }))
  return {
    targets: [{ what, atMost: 1.3, unit: '×', ...(seen ? { seen } : { reason: 'not measured' }) }],
    tables: [
      { title: 'Size', columns: SIZE_COLUMNS, rows: sizes },
      pairsTable('Beside idle rows', comparison, contenders, plays),
      pairsTable('On idle rows', idle, withRows, [idlePlay]),
    ],
    chart: {
      ...{ name: 'p6-rows', title: 'More rows in the lock table', kind: 'lines', series },
      ...{ xTitle: 'idle rows', yTitle: 'acquire, median, ms' },
    },
    leftOut: [...comparison.leftOut, ...idle.leftOut],
  }
}

function tableOf(rows: number): string {
  return `idle_${rows}`
}

function labelOf(rows: number): string {
  return rows === 0 ? 'an empty table' : `${rows.toLocaleString('en')} idle rows`
}
