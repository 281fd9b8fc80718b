import { compare } from '../measure/compare.ts'
import type { Contender } from '../measure/contender.ts'
import { pairsPlay } from '../measure/pairs-play.ts'
import { pairsChart, pairsTable } from './pairs-table.ts'
import { ratioTarget } from './ratio-target.ts'
import type { Scenario } from './scenario.ts'

const OURS = 'verrou-sql, session locks'
const BARE = 'pg_try_advisory_lock, prepared'

export const p9SessionLocks: Scenario = {
  id: 'P9',
  title: 'Session locks on Postgres',
  measures:
    'Locks that a database session holds, without a table. One caller, and 64 callers with a key each. The bare functions have one connection, as the session locks of this library have; the package `advisory-lock` opens one for every lock.',
  means:
    'What the comfort costs on top of the functions of Postgres: waiting in line, a signal when the connection is lost, errors that tell.',
  async run(bench) {
    await using open = new AsyncDisposableStack()
    const place = open.use(await bench.place('postgres'))
    const contenders: Contender[] = [
      { label: OURS, peer: 'verrou-sql session locks', place },
      { label: BARE, peer: 'bare advisory lock', place },
      { label: 'advisory-lock package', peer: 'advisory-lock package', place },
    ]
    const plays = [1, 64].map((callers) => pairsPlay(bench, callers))
    const [one] = plays as [(typeof plays)[number]]
    const comparison = await compare(bench, contenders, plays)
    return {
      targets: [ratioTarget(comparison, { play: one.label, ours: OURS, theirs: BARE, atLeast: 0.8 })],
      tables: [pairsTable(place.title, comparison, contenders, plays)],
      charts: [
        pairsChart({ name: 'p9-session-locks', title: 'Session locks', isLogY: true }, comparison, contenders, plays),
      ],
      notes: [],
      leftOut: comparison.leftOut,
    }
  },
}
