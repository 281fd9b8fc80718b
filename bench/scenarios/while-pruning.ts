import type { Bench } from '../bench.ts'
import { compare } from '../measure/compare.ts'
import type { Contender } from '../measure/contender.ts'
import { pairsPlay } from '../measure/pairs-play.ts'
import type { Place } from '../places/place.ts'
import type { Findings } from '../report/results.ts'
import { makeIdleRows } from './idle-rows.ts'
import { pairsTable } from './pairs-table.ts'

const QUIET = 'nothing to remove'
const PRUNED = 'old rows are removed'
const TABLE = 'pruned'

/**
 * What callers notice of the sweep: the same calls beside rows that stay, and beside rows that are old enough to go.
 *
 * @param quietTable has as many rows, none of which can go
 */
export async function whilePruning(
  bench: Bench,
  postgres: Place,
  quietTable: string,
  rows: number,
): Promise<Omit<Findings, 'charts'>> {
  bench.progress.say(`making ${rows.toLocaleString('en')} old rows`)
  bench.signal.throwIfAborted()
  await makeIdleRows(postgres, TABLE, rows, true)
  const contenders: Contender[] = [
    { label: QUIET, peer: 'verrou-sql on pg', place: postgres, tableName: quietTable },
    { label: PRUNED, peer: 'verrou-sql on pg', place: postgres, tableName: TABLE },
  ]
  await postgres.send('checkpoint')
  const plays = [pairsPlay(bench, 1), pairsPlay(bench, 64)]
  const comparison = await compare(bench, contenders, plays)
  const [left] = await postgres.send(`select count(*) as n from ${TABLE}`)
  const removed = rows - Number(left?.n)
  return {
    targets: [],
    tables: [pairsTable(`While the sweep works, ${rows.toLocaleString('en')} rows`, comparison, contenders, plays)],
    notes: [
      `The sweep goes along with the grants: it removed ${removed.toLocaleString('en')} of ${rows.toLocaleString('en')} rows in the measured time. Compare the p99 of both lines.`,
    ],
    leftOut: comparison.leftOut,
  }
}
