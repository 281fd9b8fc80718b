import type { FaultKind } from '../../fault.ts'
import { overAndOver } from './over-and-over.ts'
import { quoted, type ServerFamily } from './server-scene.ts'

/** What rewrites the table, and takes it away from everybody for that time, comes first and is drawn as often as all others. */
const COMMANDS: Record<ServerFamily, readonly [string, ...string[]]> = {
  postgres: ['vacuum full', 'vacuum analyze', 'analyze', 'reindex table'],
  mysql: ['optimize table', 'alter table … force', 'analyze table'],
}

/** The table is tidied up, over and over, as a nightly job does once. */
export function maintenance(family: ServerFamily): FaultKind {
  const [heaviest, ...others] = COMMANDS[family]
  return {
    name: 'maintenance',
    lane: 'server',
    weight: 10,
    draw: (random) => ({
      command: random.percent(50) ? heaviest : random.pick(others),
      forMs: random.integer(200, 3_000),
    }),
    inject({ command, forMs }, scene, signal) {
      const table = quoted(family, scene.tableName)
      const [before, after = ''] = String(command).split('…')
      return overAndOver(scene, signal, { forMs: Number(forMs), pauseMs: 30 }, (admin) =>
        admin.query(`${before} ${table} ${after}`),
      )
    },
  }
}
