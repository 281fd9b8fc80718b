import { compare } from '../measure/compare.ts'
import type { Contender } from '../measure/contender.ts'
import { labelOf, pairsPlay } from '../measure/pairs-play.ts'
import { NotRun } from '../not-run.ts'
import type { Findings } from '../report/results.ts'
import { pairsChart, pairsTable } from './pairs-table.ts'
import { ratioTarget } from './ratio-target.ts'
import type { Scenario } from './scenario.ts'

const SERVERS = { mysql: 'MySQL', mariadb: 'MariaDB' } as const

export const p7MysqlFamily: Scenario = {
  id: 'P7',
  title: 'MySQL and MariaDB',
  measures:
    'One caller, and 256 callers with a key each, take and release locks. Every commit waits for the disk, for everybody (`innodb_flush_log_at_trx_commit = 1`).',
  means:
    'The same as P1 and P2, where your database is MySQL or MariaDB. A release waits for the disk, too: there is no setting for one statement.',
  async run(bench) {
    const all: Findings[] = []
    for (const [name, title] of Object.entries(SERVERS) as [keyof typeof SERVERS, string][]) {
      await using open = new AsyncDisposableStack()
      const place = await bench.placeOrReason(name, open)
      const [ours, core] = [`verrou-sql, ${title}`, `@verrou/core, ${title}`]
      if (place instanceof NotRun) {
        all.push({ targets: [], tables: [], charts: [], notes: [], leftOut: [{ what: title, reason: place.message }] })
        continue
      }
      const contenders: Contender[] = [
        { label: ours, peer: 'verrou-sql on mysql2', place },
        { label: `${ours}, portable`, peer: 'verrou-sql on mysql2, portable', place },
        { label: `two prepared statements, ${title}`, peer: 'two statements, MySQL', place },
        { label: core, peer: '@verrou/core on MySQL', place },
      ]
      const plays = [1, 256].map((callers) => pairsPlay(bench, callers))
      const comparison = await compare(bench, contenders, plays)
      const target = (callers: number, atLeast: number) =>
        ratioTarget(comparison, { play: labelOf(callers), ours, theirs: core, atLeast })
      const chart = { name: `p7-${name}`, title, isLogY: true }
      all.push({
        targets: [target(1, 1.5), target(256, 8)],
        tables: [pairsTable(place.title, comparison, contenders, plays)],
        charts: [pairsChart(chart, comparison, contenders, plays)],
        notes: [],
        leftOut: comparison.leftOut,
      })
    }
    return {
      targets: all.flatMap(({ targets }) => targets),
      tables: all.flatMap(({ tables }) => tables),
      charts: all.flatMap(({ charts }) => charts),
      notes: ['Statements and log bytes are those of the whole server, the pings of its connections not among them.'],
      leftOut: all.flatMap(({ leftOut }) => leftOut),
    }
  },
}
