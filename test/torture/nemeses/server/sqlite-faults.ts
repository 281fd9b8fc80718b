import type { FaultKind } from '../../fault.ts'
import { bySqliteStranger } from './by-sqlite-stranger.ts'
import { drawPruning } from './pruning.ts'

/** Another program has the one write lock of the file. */
const sqliteStranger: FaultKind = {
  name: "stranger's transaction",
  lane: 'server',
  weight: 12,
  draw(random) {
    const writes = random.percent(50)
    return {
      begin: random.pick(['immediate', 'exclusive']),
      writes,
      // What it has written must not stay.
      end: writes ? 'rollback' : random.pick(['commit', 'rollback']),
      forMs: random.integer(100, 3_000),
    }
  },
  inject: ({ begin, writes, end, forMs }, scene, signal) =>
    bySqliteStranger(scene, signal, Number(forMs), {
      task: 'hold',
      begin: String(begin),
      writes: writes === true,
      end: String(end),
    }),
}

/** The file is tidied up, over and over. */
const sqliteMaintenance: FaultKind = {
  name: 'maintenance',
  lane: 'server',
  weight: 10,
  draw: (random) => ({
    command: random.pick(['vacuum', 'pragma wal_checkpoint(truncate)', 'analyze', 'reindex']),
    forMs: random.integer(200, 3_000),
  }),
  inject: ({ command, forMs }, scene, signal) =>
    bySqliteStranger(scene, signal, Number(forMs), { task: 'run', sql: String(command) }),
}

/** The file is copied while it is in use. */
const sqliteDump: FaultKind = {
  name: 'dump',
  lane: 'server',
  weight: 8,
  draw: (random) => ({ how: random.pick(['backup', 'vacuum into']), forMs: random.integer(500, 3_000) }),
  inject: ({ how, forMs }, scene, signal) =>
    bySqliteStranger(scene, signal, Number(forMs), { task: 'copy', how: String(how) }),
}

/** As on the servers: see `pruning.ts`. */
const sqlitePruning: FaultKind = {
  name: 'pruning at full speed',
  lane: 'server',
  weight: 12,
  draw: (random) => drawPruning(random, 'sqlite'),
  inject: ({ retentionMs, aheadMs, forMs }, scene, signal) =>
    bySqliteStranger(scene, signal, Number(forMs), {
      task: 'prune',
      retentionMs: Number(retentionMs),
      aheadMs: Number(aheadMs),
    }),
}

export const sqliteFaults: readonly FaultKind[] = [sqliteStranger, sqliteMaintenance, sqliteDump, sqlitePruning]
