import type { FaultKind, Scene } from '../../fault.ts'
import { changeDefault } from './change-defaults.ts'
import { createMysqlZone, removeMysqlZone } from './mysql-zone.ts'
import { postgresZone } from './postgres-zone.ts'
import { openAdmin, serverFamily } from './server-scene.ts'
import { undo } from './undo.ts'

/**
 * The clocks are put forward by an hour (`gap`: there is an hour that never was) or back (`fold`: there is an hour twice) while
 * people work, because the default time zone is one in which that happens just then.
 */
export const timeZoneChange: FaultKind = {
  name: 'time zone with a DST change',
  lane: 'server',
  weight: 8,
  draw(random) {
    const inSeconds = random.integer(1, 4)
    const forMs = inSeconds * 1_000 + random.integer(1_000, 4_000)
    return { change: random.pick(['gap', 'fold']), inSeconds, forMs }
  },
  async inject({ change, inSeconds, forMs }, scene, signal) {
    const zone: ZoneChange = { change: change as 'gap' | 'fold', atSeconds: nowInSeconds() + Number(inSeconds) }
    const put = (value: string) => changeDefault(scene, signal, { name: 'time_zone', value, forMs: Number(forMs) })
    if (serverFamily(scene) === 'mysql') return withMysqlZone(scene, zone, put)
    await changeDefault(scene, signal, { name: 'TimeZone', value: postgresZone(zone), forMs: Number(forMs) })
  },
}

/** One change of an hour, at a second since the epoch. */
export interface ZoneChange {
  readonly change: 'gap' | 'fold'
  readonly atSeconds: number
}

/** The nemeses run on the machine of the server, or on one with the same time. */
function nowInSeconds(): number {
  return Math.floor(Date.now() / 1000)
}

async function withMysqlZone(scene: Scene, zone: ZoneChange, put: (name: string) => Promise<void>): Promise<void> {
  const madeAt = scene.database.adminUrl()
  // A server remembers for good what it once has read of a zone: each needs a new name.
  const name = `torture/${process.pid}/${Date.now()}`
  const admin = await openAdmin(scene, madeAt)
  try {
    await createMysqlZone(admin, name, zone)
    await put(name)
  } finally {
    admin.close()
    // Sessions that began with it keep it after this, and so does what they commit: a member that knows no such zone could never come back.
    if (!scene.database.repeatsStatements) await undo(scene, madeAt, (session) => removeMysqlZone(session, name))
  }
}
