import type { Bench } from '../bench.ts'
import { openCrew } from '../measure/open-crew.ts'
import { spreadOf } from '../measure/spread.ts'
import type { Place } from '../places/place.ts'
import type { Cell, Findings, ResultTable } from '../report/results.ts'
import type { Done } from '../workers/orders.ts'
import { type TableFacts, tableFacts } from './idle-rows.ts'

const TABLE = 'cycled'
const KEYS = 1_000
const CALLERS = 250
/** Every caller has had all of its keys, some of them twice. */
const FILLING_CYCLES = 2 * KEYS
const CYCLES = 1_000_000
const QUICK_CYCLES = 10_000
/** Of one turn; after each one it is seen whether that was enough. */
const TURN_SECONDS = 5
const QUICK_TURN_SECONDS = 1
/** The promise is of a million. How many fit in this time is told, if those are fewer. */
const MOST_SECONDS = 150

/** How large the table gets by being used: a million times the same thousand keys. */
export async function manyCycles(bench: Bench, postgres: Place): Promise<Omit<Findings, 'charts'>> {
  const { isQuick } = bench.settings
  const wanted = isQuick ? QUICK_CYCLES : CYCLES
  const contender = { label: TABLE, peer: 'verrou-sql on pg', place: postgres, tableName: TABLE } as const
  const opened = await openCrew(contender, bench.signal)
  const turn = (seconds: number) => {
    const order = { kind: 'pairs', callers: CALLERS, keys: { prefix: 'job:', count: KEYS }, warmUpMs: 0 } as const
    return opened.crew.obey(() => ({ ...order, measureMs: seconds * 1000 }))
  }
  let before: TableFacts
  let cycles = 0
  {
    await using _crew = opened.crew
    // The size to compare with is that of a table that has all the keys.
    for (let taken = 0; taken < FILLING_CYCLES; ) taken += operationsIn(await turn(1))
    before = await tableFacts(postgres, TABLE)
    const startMs = performance.now()
    while (cycles < wanted && performance.now() - startMs < MOST_SECONDS * 1000) {
      bench.progress.say(`${cycles.toLocaleString('en')} of ${wanted.toLocaleString('en')} cycles`)
      cycles += operationsIn(await turn(isQuick ? QUICK_TURN_SECONDS : TURN_SECONDS))
    }
  }
  // Connections that have ended have told all that they know.
  const after = await tableFacts(postgres, TABLE)
  const ratio = after.bytes / before.bytes
  const what = `table and index after ${cycles.toLocaleString('en')} cycles on 1,000 keys ÷ before`
  const target = { what, atMost: 2, unit: '×' }
  const isEnough = cycles >= CYCLES || isQuick
  return {
    targets: [
      isEnough
        ? { ...target, seen: spreadOf([ratio]) }
        : {
            ...target,
            reason: `${cycles} cycles in ${MOST_SECONDS} s are too few; they made it ${ratio.toFixed(2)} times as large`,
          },
    ],
    tables: [sizes(before, after, cycles, wanted)],
    notes: [],
    leftOut: [],
  }
}

function operationsIn(done: readonly Done[]): number {
  return done.reduce((total, { allOperations }) => total + allOperations, 0)
}

function sizes(before: TableFacts, after: TableFacts, cycles: number, wanted: number): ResultTable {
  const row = (when: string, facts: TableFacts): Cell[] => [
    ...[when, facts.tableBytes / 1000, facts.indexBytes / 1000, facts.deadRows, facts.hotShare],
  ]
  const columns = [
    ...[{ title: '' }, { title: 'table, kB', digits: 0 }, { title: 'index, kB', digits: 0 }],
    ...[
      { title: 'dead rows', digits: 0 },
      { title: 'heap-only updates, %', digits: 2 },
    ],
  ]
  return {
    title: `1,000 keys, ${CALLERS} callers, ${cycles.toLocaleString('en')} of ${wanted.toLocaleString('en')} cycles`,
    columns,
    rows: [row('when all keys were used', before), row('in the end', after)],
  }
}
