import type { Bench } from '../bench.ts'
import { type Comparison, compare, type Play } from '../measure/compare.ts'
import type { Contender } from '../measure/contender.ts'
import { openCrew } from '../measure/open-crew.ts'
import { labelOf } from '../measure/pairs-play.ts'
import { spreadOf } from '../measure/spread.ts'
import { NotRun } from '../not-run.ts'
import type { Place } from '../places/place.ts'
import type { Cell, ResultTable, Target } from '../report/results.ts'
import { milliseconds, pairsChart } from './pairs-table.ts'
import { ratioTarget } from './ratio-target.ts'
import type { Scenario } from './scenario.ts'

const OURS = 'verrou-sql, pgStore'
const UPSERT = 'plain upsert, prepared'
const KEY = 'held '
/** Longer than all rounds. */
const HELD_MS = 600_000
const TABLES: Readonly<Record<string, string>> = {
  [OURS]: 'verrou_locks',
  [UPSERT]: 'plain_locks',
  '@verrou/core, Kysely': 'verrou',
}

export const p3RefusedTry: Scenario = {
  id: 'P3',
  title: 'A refused try on Postgres',
  measures:
    'Somebody holds a key; callers try for it, over and over, and are refused. Log bytes, transaction ids and dead rows are those of the server.',
  means:
    'What it costs to find a lock taken. Cron jobs on ten machines, or a thousand workers that look for work: all but one of their tries are refused. A refusal that writes makes the table grow, fills the log, and must be replicated.',
  async run(bench) {
    await using open = new AsyncDisposableStack()
    const postgres = open.use(await bench.place('postgres'))
    const redis = await bench.placeOrReason('redis', open)
    const contenders: Contender[] = [
      { label: OURS, peer: 'verrou-sql on pg', place: postgres },
      { label: UPSERT, peer: 'two statements, Postgres', place: postgres },
      { label: '@verrou/core, Kysely', peer: '@verrou/core on Postgres', place: postgres },
      { label: '@verrou/core, Redis', peer: '@verrou/core on Redis', place: redis },
    ]
    const plays = [1, 16].map((callers) => refusedPlay(bench, callers))
    for (const contender of contenders) await holdKey(contender, bench.signal, open)
    for (const table of Object.values(TABLES)) await keepDeadRows(postgres, table)
    const comparison = await compare(bench, contenders, plays)
    const rows = new Map<string, RowCounts>()
    for (const [label, table] of Object.entries(TABLES)) rows.set(label, await rowCounts(postgres, table))
    const chart = pairsChart(
      { name: 'p3-refused-try', title: 'Refused tries', isLogY: true },
      comparison,
      contenders,
      plays,
    )
    return {
      targets: [
        ...plays.map(({ label: play }) => ratioTarget(comparison, { play, ours: OURS, theirs: UPSERT, atLeast: 5 })),
        ...nothingWritten(comparison, plays, rows.get(OURS)),
      ],
      tables: [triesTable(comparison, contenders, plays), rowsTable(rows)],
      charts: [{ ...chart, yTitle: 'refused tries per second' }],
      notes: [
        'Autovacuum was off for these tables, so that dead rows can be counted. Log bytes of statements are what they wrote themselves; all log bytes are what the whole server wrote meanwhile. A statement that fails (a try of @verrou/core is an insert that fails, and an update) is in no statistics of Postgres but the log and the dead row.',
      ],
      leftOut: comparison.leftOut,
    }
  },
}

/** By a process of its own, which is still there when the rows are counted: its release is not to be among them. */
async function holdKey(contender: Contender, signal: AbortSignal, open: AsyncDisposableStack): Promise<void> {
  if (contender.place instanceof NotRun) return
  const { crew } = await openCrew(contender, signal)
  open.use(crew)
  await crew.obey(() => ({ kind: 'hold', prefix: KEY, count: 1, ttlMs: HELD_MS }))
}

function refusedPlay(bench: Bench, callers: number): Play {
  const measureMs = bench.settings.seconds * 1000
  const order = { kind: 'refused', callers, key: `${KEY}0`, warmUpMs: Math.min(500, measureMs), measureMs } as const
  return { label: labelOf(callers), orderFor: () => order }
}

async function keepDeadRows(postgres: Place, table: string): Promise<void> {
  await postgres.send(`alter table if exists ${table} set (autovacuum_enabled = off)`)
}

interface RowCounts {
  readonly dead: number
  readonly inserted: number
  readonly updated: number
}

/** Connections that have ended have told all that they know. */
async function rowCounts(postgres: Place, table: string): Promise<RowCounts> {
  const [row] = await postgres.send(
    `select n_dead_tup, n_tup_ins, n_tup_upd from pg_stat_user_tables where relname = '${table}'`,
  )
  return { dead: Number(row?.n_dead_tup), inserted: Number(row?.n_tup_ins), updated: Number(row?.n_tup_upd) }
}

function nothingWritten(comparison: Comparison, plays: readonly Play[], rows: RowCounts | undefined): Target[] {
  const summaries = plays.flatMap(({ label }) => comparison.series(OURS, label)?.summary() ?? [])
  const bytes = summaries.flatMap(({ statementLogBytes }) => statementLogBytes ?? [])
  const missing = { reason: 'the server does not count it' }
  return [
    {
      ...{ what: 'log bytes that a refused try wrote', atMost: 0, unit: 'bytes' },
      ...(bytes.length > 0 ? { seen: spreadOf(bytes) } : missing),
    },
    {
      ...{ what: 'dead rows after all of them', atMost: 0, unit: 'rows' },
      ...(rows === undefined || Number.isNaN(rows.dead) ? missing : { seen: spreadOf([rows.dead]) }),
    },
  ]
}

function triesTable(comparison: Comparison, contenders: readonly Contender[], plays: readonly Play[]): ResultTable {
  const rows = plays.flatMap((play) =>
    contenders.flatMap(({ label }): Cell[][] => {
      const seen = comparison.series(label, play.label)?.summary()
      if (seen === undefined) return []
      const { perSecond, take, cpuUs, statements = null, logBytes = null } = seen
      const { statementLogBytes = null, transactionIds = null } = seen
      return [
        [
          ...[label, play.label, perSecond.median, perSecond.least, perSecond.most],
          ...[milliseconds(take.medianMs), milliseconds(take.p99Ms), cpuUs],
          ...[statements, statementLogBytes, logBytes, transactionIds],
        ],
      ]
    }),
  )
  return {
    title: 'Refused tries',
    columns: [
      ...[{ title: 'who' }, { title: 'callers' }, { title: 'tries/s', digits: 0 }, { title: 'least', digits: 0 }],
      ...[
        { title: 'most', digits: 0 },
        { title: 'try, ms' },
        { title: 'p99' },
        { title: 'client CPU, µs/try', digits: 0 },
      ],
      ...[
        { title: 'statements/try', digits: 2 },
        { title: 'log bytes/try, of statements', digits: 1 },
      ],
      ...[
        { title: 'of all', digits: 1 },
        { title: 'transaction ids/try', digits: 3 },
      ],
    ],
    rows,
  }
}

function rowsTable(counts: ReadonlyMap<string, RowCounts>): ResultTable {
  const rows = [...counts].map(([label, { dead, inserted, updated }]): Cell[] => [label, dead, inserted, updated])
  const columns = [
    { title: 'table of' },
    { title: 'dead rows', digits: 0 },
    { title: 'inserted', digits: 0 },
    { title: 'updated', digits: 0 },
  ]
  return { title: 'Rows afterwards', columns, rows }
}
