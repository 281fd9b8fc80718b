import { compare } from '../measure/compare.ts'
import type { Contender } from '../measure/contender.ts'
import { labelOf, pairsPlay } from '../measure/pairs-play.ts'
import { pairsChart, pairsTable } from './pairs-table.ts'
import { ratioTarget } from './ratio-target.ts'
import type { Scenario } from './scenario.ts'

const OURS = 'verrou-sql, sqliteStore'
const CORE = '@verrou/core, Kysely'

export const p8Sqlite: Scenario = {
  id: 'P8',
  title: 'An SQLite file',
  measures:
    'One caller, and 256 callers with a key each, take and release locks in a file (`journal_mode = wal`, `synchronous = full`): every commit waits for the disk, for everybody.',
  means:
    'Locks for the processes of one machine, without a server. Every commit costs a flush of the disk, so what makes many callers fast is sharing commits.',
  async run(bench) {
    await using open = new AsyncDisposableStack()
    const place = open.use(await bench.place('sqlite'))
    const contenders: Contender[] = [
      { label: OURS, peer: 'verrou-sql on better-sqlite3', place },
      { label: 'two prepared statements', peer: 'two statements, SQLite', place },
      { label: CORE, peer: '@verrou/core on SQLite', place },
    ]
    const plays = [1, 256].map((callers) => pairsPlay(bench, callers))
    const comparison = await compare(bench, contenders, plays)
    const target = (callers: number, atLeast: number) =>
      ratioTarget(comparison, { play: labelOf(callers), ours: OURS, theirs: CORE, atLeast })
    return {
      targets: [target(1, 1.5), target(256, 10)],
      tables: [pairsTable(place.title, comparison, contenders, plays)],
      charts: [pairsChart({ name: 'p8-sqlite', title: place.title, isLogY: true }, comparison, contenders, plays)],
      notes: [],
      leftOut: comparison.leftOut,
    }
  },
}
