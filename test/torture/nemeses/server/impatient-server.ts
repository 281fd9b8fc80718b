import type { FaultKind } from '../../fault.ts'
import type { Random } from '../../random.ts'
import { changeDefault } from './change-defaults.ts'
import type { ServerFamily } from './server-scene.ts'

/** Limits as careful operators set them, and lower. Least and most, in the unit of the setting. */
const LIMITS: Record<ServerFamily, readonly (readonly [string, number, number])[]> = {
  postgres: [
    ['lock_timeout', 1, 50],
    ['statement_timeout', 3, 50],
    ['idle_in_transaction_session_timeout', 20, 500],
    ['idle_session_timeout', 100, 1_000],
  ],
  mysql: [
    ['innodb_lock_wait_timeout', 1, 1],
    ['wait_timeout', 1, 2],
  ],
}

/** The server has no patience: with locks that are waited for, statements that take long, sessions that do nothing. */
export function impatientServer(family: ServerFamily): FaultKind {
  return {
    name: 'impatient server',
    lane: 'server',
    weight: 8,
    draw(random: Random) {
      const [setting, least, most] = random.pick(LIMITS[family])
      return { setting, limit: random.integer(least, most), forMs: random.integer(2_000, 6_000) }
    },
    inject: ({ setting, limit, forMs }, scene, signal) =>
      changeDefault(scene, signal, { name: String(setting), value: Number(limit), forMs: Number(forMs) }),
  }
}
