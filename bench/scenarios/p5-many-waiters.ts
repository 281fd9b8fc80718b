import { HandOverNumbers } from '../hand-over/hand-over-numbers.ts'
import { play } from '../hand-over/play.ts'
import { spreadOf } from '../measure/spread.ts'
import { verrouSqlPostgres } from '../peers/verrou-sql-postgres.ts'
import type { Cell, Chart, Target } from '../report/results.ts'
import { milliseconds } from './pairs-table.ts'
import type { Scenario } from './scenario.ts'

const PEER = 'verrou-sql on pg'
const PROCESSES = 4
const WAITERS = [1, 10, 100, 1_000]
const QUICK_WAITERS = [4, 40]
const HOLD_MS = 50
const HELD_MS = 600_000
/** Statements that come once in a while make two equal rates differ in a few seconds. */
const SLACK = 1.5

interface Line {
  readonly waiters: number
  readonly isHeld: boolean
  readonly numbers: HandOverNumbers
}

export const p5ManyWaiters: Scenario = {
  id: 'P5',
  title: '1,000 waiters on one key, Postgres',
  measures: `1 to 1,000 callers in ${PROCESSES} processes wait for the same key. Once somebody else holds it all the time; once each one keeps it for ${HOLD_MS} ms and asks again. Statements per second as the server counts them.`,
  means:
    'A crowd in front of one lock must not become a crowd in front of the database: with a library where every waiter polls every 250 ms, 1,000 waiters send 4,000 statements a second.',
  async run(bench) {
    await using open = new AsyncDisposableStack()
    const postgres = open.use(await bench.place('postgres'))
    await verrouSqlPostgres.prepare?.(postgres, undefined)
    const holder = await verrouSqlPostgres.open({ url: postgres.url, poolSize: 1 })
    open.defer(async () => void (await holder.close()))
    await holder.take('held for long', HELD_MS)
    const counts = bench.settings.isQuick ? QUICK_WAITERS : WAITERS
    const lines = [true, false].flatMap((isHeld) =>
      counts.map((waiters): Line => ({ waiters, isHeld, numbers: new HandOverNumbers() })),
    )
    for (let round = 0; round < Math.min(3, bench.settings.rounds); round++) {
      for (const { waiters, isHeld, numbers } of lines) {
        bench.progress.say(`round ${round + 1}: ${waiters} waiters, ${isHeld ? 'held' : 'handed over'}`)
        const processes = Math.min(PROCESSES, waiters)
        const key = isHeld ? 'held for long' : `handed over to ${waiters}, round ${round}`
        const each = Math.round(waiters / processes)
        const setting = {
          peer: PEER,
          key,
          processes,
          waiters: each,
          holdMs: HOLD_MS,
          pauseMs: 0,
          seconds: bench.settings.seconds,
        } as const
        numbers.add(await play(postgres, setting, bench.signal))
      }
    }
    return {
      targets: [true, false].map((isHeld) => independence(lines.filter((line) => line.isHeld === isHeld))),
      tables: [{ title: 'At the database', columns: COLUMNS, rows: lines.map(rowOf) }],
      charts: [chartOf(lines)],
      notes: [
        `"Independent" is taken for at most ${SLACK} times as many statements as ten (with --quick: as the fewest) waiters send: a process is a listener and one waiter to the database.`,
      ],
      leftOut: [],
    }
  },
}

/** With fewer than ten waiters there are fewer processes as well, so ten are what is compared with. */
function independence(lines: readonly Line[]): Target {
  const few = (lines.find(({ waiters }) => waiters >= 10 || waiters === QUICK_WAITERS[0]) as Line).numbers.summary()
  const most = lines.at(-1) as Line
  const many = most.numbers.summary().statementsPerSecond
  const rounds = many.map((rate, round) => rate / (few.statementsPerSecond[round] as number))
  const what = `${most.isHeld ? 'held' : 'handed over'}: statements/s with ${most.waiters} waiters ÷ with few`
  const seen =
    rounds.every(Number.isFinite) && rounds.length > 0
      ? { seen: spreadOf(rounds) }
      : { reason: 'the server does not count, or nobody sent anything' }
  return { what, atMost: SLACK, unit: '×', ...seen }
}

const COLUMNS = [
  ...[
    { title: 'key' },
    { title: 'waiters', digits: 0 },
    { title: 'statements/s', digits: 1 },
    { title: 'grants/s', digits: 1 },
  ],
  ...[{ title: 'statements/grant', digits: 1 }, { title: 'to another process, ms' }, { title: 'p99' }],
]

function rowOf({ waiters, isHeld, numbers }: Line): Cell[] {
  const { statementsPerSecond, grantsPerSecond, statementsPerGrant = null, between } = numbers.summary()
  const rate = statementsPerSecond.length > 0 ? spreadOf(statementsPerSecond).median : null
  const perGrant = grantsPerSecond > 0 ? statementsPerGrant : null
  const latencies = [between.medianMs, between.p99Ms].map(milliseconds)
  return [isHeld ? 'held all the time' : 'handed over', waiters, rate, grantsPerSecond, perGrant, ...latencies]
}

function chartOf(lines: readonly Line[]): Chart {
  const series = [true, false].map((isHeld) => ({
    name: isHeld ? 'held all the time' : `handed over every ${HOLD_MS} ms`,
    points: lines
      .filter((line) => line.isHeld === isHeld)
      .map(({ waiters, numbers }): [number, number] => {
        const rates = numbers.summary().statementsPerSecond
        return [waiters, rates.length > 0 ? spreadOf(rates).median : Number.NaN]
      })
      .filter(([, rate]) => !Number.isNaN(rate)),
  }))
  return {
    ...{ name: 'p5-waiters', title: 'More waiters for one key', kind: 'lines', isLogX: true, series },
    ...{ xTitle: `waiters in ${PROCESSES} processes`, yTitle: 'statements per second at the database' },
  }
}
