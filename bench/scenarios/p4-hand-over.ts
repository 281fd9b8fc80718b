import { failureReason } from '../../test/servers/failure-reason.ts'
import type { Bench } from '../bench.ts'
import { HandOverNumbers } from '../hand-over/hand-over-numbers.ts'
import { play, type Setting } from '../hand-over/play.ts'
import { spreadOf } from '../measure/spread.ts'
import { NotRun } from '../not-run.ts'
import type { Peer } from '../peers/peer.ts'
import { PEERS, type PeerName } from '../peers/peers.ts'
import type { Place, PlaceName } from '../places/place.ts'
import type { Cell, Findings, Target } from '../report/results.ts'
import { milliseconds } from './pairs-table.ts'
import type { Scenario } from './scenario.ts'

/** Longer than the pause: so the other one of two processes is always waiting when a key is released. */
const HOLD_MS = 20
/** A holder that asks again at once is always before those that poll. */
const PAUSE_MS = 10
const MOST_ROUNDS = 3

interface Line {
  readonly label: string
  readonly peer: PeerName
  readonly on: PlaceName
  readonly processes: number
  readonly waiters: number
  readonly pauseMs: number
  readonly numbers: HandOverNumbers
  reason?: string
}

export const p4HandOver: Scenario = {
  id: 'P4',
  title: 'Hand-over to a waiter in another process',
  measures: `Processes wait for one key; each holder keeps it for ${HOLD_MS} ms, and asks again ${PAUSE_MS} ms later (or at once, where it says so). From just before a release until the next holder has the key, when that one waits in another process.`,
  means:
    'How long a key that is wanted lies idle. It bounds how much work can go through one lock: a key that is held for 5 ms and lies idle for 2 ms can do 140 jobs a second. Who polls every 250 ms takes the key in passing: the time that it lies idle says little then, since the same process takes it again and again; look at how long the others wait.',
  async run(bench) {
    await using open = new AsyncDisposableStack()
    const lines = settings()
    const places = await placesFor(bench, lines, open)
    for (let round = 0; round < Math.min(MOST_ROUNDS, bench.settings.rounds); round++) {
      for (const line of lines.filter(({ reason }) => reason === undefined)) {
        bench.progress.say(`round ${round + 1}: ${line.label}`)
        const place = places.get(line.on) as Place
        const { peer, processes, waiters, pauseMs, numbers } = line
        const seconds = 2 * bench.settings.seconds
        const setting: Setting = {
          peer,
          processes,
          waiters,
          pauseMs,
          key: `${line.label}, round ${round}`,
          holdMs: HOLD_MS,
          seconds,
        }
        try {
          numbers.add(await play(place, setting, bench.signal))
        } catch (error) {
          bench.signal.throwIfAborted()
          line.reason = failureReason(error)
        }
      }
    }
    return findings(lines)
  },
}

function settings(): Line[] {
  const two = (label: string, peer: PeerName, on: PlaceName) =>
    lineOf(label, peer, on, { processes: 2, waiters: 1, pauseMs: PAUSE_MS })
  const crowd = (waiters: number) =>
    lineOf('verrou-sql, Postgres', 'verrou-sql on pg', 'postgres', { processes: 4, waiters, pauseMs: 0 })
  return [
    two('verrou-sql, Postgres', 'verrou-sql on pg', 'postgres'),
    two('@verrou/core, Postgres', '@verrou/core on Postgres', 'postgres'),
    two('@verrou/core, Redis', '@verrou/core on Redis', 'redis'),
    two('verrou-sql, MySQL', 'verrou-sql on mysql2', 'mysql'),
    two('verrou-sql, MariaDB', 'verrou-sql on mysql2', 'mariadb'),
    two('verrou-sql, SQLite', 'verrou-sql on better-sqlite3', 'sqlite'),
    crowd(1),
    crowd(25),
  ]
}

function lineOf(
  name: string,
  peer: PeerName,
  on: PlaceName,
  how: Pick<Line, 'processes' | 'waiters' | 'pauseMs'>,
): Line {
  const { processes, waiters, pauseMs } = how
  const crowd = waiters === 1 ? '' : ` × ${waiters} waiters`
  const label = `${name}: ${processes} processes${crowd}${pauseMs === 0 ? ', no pause' : ''}`
  return { label, peer, on, ...how, numbers: new HandOverNumbers() }
}

async function placesFor(
  bench: Bench,
  lines: readonly Line[],
  open: AsyncDisposableStack,
): Promise<Map<PlaceName, Place>> {
  const places = new Map<PlaceName, Place | NotRun>()
  for (const line of lines) {
    const place = places.get(line.on) ?? (await bench.placeOrReason(line.on, open))
    places.set(line.on, place)
    if (place instanceof NotRun) line.reason = place.message
    else await ((await PEERS[line.peer]()) as Peer).prepare?.(place, undefined)
  }
  return new Map([...places].filter((entry): entry is [PlaceName, Place] => !(entry[1] instanceof NotRun)))
}

function findings(lines: readonly Line[]): Findings {
  const measured = lines.filter(({ reason }) => reason === undefined)
  const judged = lines[0] as Line
  const { betweenMedians, betweenP99s } = judged.numbers.summary()
  const target = (what: string, atMost: number, rounds: readonly number[]): Target => {
    const seen = rounds.length > 0 ? { seen: spreadOf(rounds) } : { reason: judged.reason ?? 'nothing was handed over' }
    return { what: `${judged.label}: ${what}`, atMost, unit: 'ms', ...seen }
  }
  return {
    targets: [target('median', 3, betweenMedians), target('99 of 100', 15, betweenP99s)],
    tables: [{ title: 'Idle between two holders', columns: COLUMNS, rows: measured.map(rowOf) }],
    charts: [
      {
        name: 'p4-hand-over',
        title: 'A key lies idle while another process waits, and how long the others wait',
        kind: 'bars',
        xTitle: '',
        yTitle: 'ms',
        isLogY: true,
        series: [
          { name: 'idle, median', points: pointsOf(measured, ({ between }) => between.medianMs) },
          { name: 'idle, 99 of 100', points: pointsOf(measured, ({ between }) => between.p99Ms) },
          { name: 'others wait, 99 of 100', points: pointsOf(measured, ({ waits }) => waits.p99Ms) },
        ],
      },
    ],
    notes: measured.flatMap(({ label, numbers }) => {
      const { overlaps } = numbers.summary()
      return overlaps === 0 ? [] : [`${label}: two at once held the key, ${overlaps} times.`]
    }),
    leftOut: lines.flatMap(({ label, reason }) => (reason === undefined ? [] : [{ what: label, reason }])),
  }
}

function pointsOf(
  lines: readonly Line[],
  msOf: (seen: ReturnType<HandOverNumbers['summary']>) => number,
): [string, number][] {
  const points = lines.map(({ label, numbers }): [string, number] => [label, msOf(numbers.summary())])
  return points.filter(([, ms]) => !Number.isNaN(ms))
}

const COLUMNS = [
  ...[{ title: 'who' }, { title: 'grants/s', digits: 0 }, { title: 'to another process, %', digits: 0 }],
  ...[{ title: 'idle then, ms' }, { title: 'p99' }, { title: 'within one process, ms' }, { title: 'p99' }],
  ...[{ title: 'wait, ms' }, { title: 'p99' }],
  ...[
    { title: 'statements/grant', digits: 1 },
    { title: 'client CPU, ms/grant', digits: 2 },
  ],
]

function rowOf({ label, numbers }: Line): Cell[] {
  const {
    grantsPerSecond,
    betweenShare,
    between,
    within,
    waits,
    statementsPerGrant = null,
    cpuMsPerGrant,
  } = numbers.summary()
  const idle = [between.medianMs, between.p99Ms, within.medianMs, within.p99Ms, waits.medianMs, waits.p99Ms].map(
    milliseconds,
  )
  return [label, grantsPerSecond, betweenShare * 100, ...idle, statementsPerGrant, cpuMsPerGrant]
}
