import { compare } from '../measure/compare.ts'
import type { Contender } from '../measure/contender.ts'
import { pairsPlay } from '../measure/pairs-play.ts'
import { pairsChart, pairsTable } from './pairs-table.ts'
import { ratioTarget } from './ratio-target.ts'
import type { Scenario } from './scenario.ts'

const OURS = 'verrou-sql, pgStore'
const OURS_ON_KYSELY = 'verrou-sql, kyselyStore'
const OURS_WITH_POOL = `${OURS_ON_KYSELY} with \`pool\``
const HAND_WRITTEN = 'two prepared statements'
const CORE = '@verrou/core, Kysely'

export const p1OneCaller: Scenario = {
  id: 'P1',
  title: 'One caller on Postgres',
  measures:
    'One caller takes a lock and releases it, over and over, always with the same key. Nobody else asks for anything. Every acquire waits for the disk, with everybody who has one.',
  means:
    'What a lock adds to a request of yours: the median of acquire plus that of release. Two round trips and a flush of the log are the least there is; the rest is the library.',
  async run(bench) {
    await using open = new AsyncDisposableStack()
    const postgres = open.use(await bench.place('postgres'))
    const redis = await bench.placeOrReason('redis', open)
    const contenders: Contender[] = [
      { label: OURS, peer: 'verrou-sql on pg', place: postgres },
      { label: OURS_ON_KYSELY, peer: 'verrou-sql on Kysely, Postgres', place: postgres },
      { label: OURS_WITH_POOL, peer: 'verrou-sql on Kysely with its pool', place: postgres },
      { label: `${OURS}, portable`, peer: 'verrou-sql on pg, portable', place: postgres },
      { label: HAND_WRITTEN, peer: 'two statements, Postgres', place: postgres },
      { label: `${HAND_WRITTEN}, release not flushed`, peer: 'two statements, release not flushed', place: postgres },
      { label: CORE, peer: '@verrou/core on Postgres', place: postgres },
      { label: '@verrou/core, Redis', peer: '@verrou/core on Redis', place: redis },
      { label: 'redlock, Redis', peer: 'redlock on Redis', place: redis },
    ]
    const play = pairsPlay(bench, 1)
    const comparison = await compare(bench, contenders, [play])
    const target = (ours: string, theirs: string, atLeast: number) =>
      ratioTarget(comparison, { play: play.label, ours, theirs, atLeast })
    return {
      targets: [
        target(OURS, HAND_WRITTEN, 1.3),
        target(OURS, CORE, 2),
        target(OURS_ON_KYSELY, CORE, 1.2),
        target(OURS_WITH_POOL, CORE, 1.2),
      ],
      tables: [pairsTable('Acquire and release', comparison, contenders, [play])],
      charts: [pairsChart({ name: 'p1-one-caller', title: 'One caller' }, comparison, contenders, [play])],
      notes: [
        'The release of this library does not wait for the disk on Postgres: after a crash of the server, a lock that was released just before may last until its TTL. One of the two hand-written pairs does the same, to show what that is worth.',
        'Kysely cannot name statements, so that the server parses and plans each anew. Given the `pool` that its dialect was made with, the store sends prepared ones through it.',
      ],
      leftOut: comparison.leftOut,
    }
  },
}
