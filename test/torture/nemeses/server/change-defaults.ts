import { setTimeout as sleep } from 'node:timers/promises'
import type { Scene } from '../../fault.ts'
import { pause } from '../pause.ts'
import { openAdmin, quoted, type ServerFamily, serverFamily, workerAtServer } from './server-scene.ts'
import type { ServerSession } from './server-session.ts'
import { undo } from './undo.ts'
import { endSessions, workerSessions } from './worker-sessions.ts'

/** A session is not listed before it has begun, which takes a pooler on a busy machine some time. */
const BEGINNING_MS = 500

/** What sessions begin with, for a while. */
export interface ChangedDefault {
  readonly name: string
  readonly value: string | number
  readonly forMs: number
}

/**
 * Changes what sessions begin with (on Postgres of this database, in the MySQL family of the server), and ends the workers'
 * sessions so that it counts. Later the same back again.
 */
export async function changeDefault(scene: Scene, signal: AbortSignal, change: ChangedDefault): Promise<void> {
  const { name, value, forMs } = change
  // Else their sessions could not be ended, and nothing would come of it.
  if (serverFamily(scene) === 'mysql') workerAtServer(scene)
  const madeAt = scene.database.adminUrl()
  const admin = await openAdmin(scene, madeAt)
  let putBack: (session: ServerSession) => Promise<unknown>
  try {
    const setting = SETTINGS[serverFamily(scene)]
    const before = await setting.read(admin, name)
    putBack = (session) => setting.write(session, name, before)
    // What failed may still have been done: an answer that was lost is undone as well.
    await setting.write(admin, name, value).catch(async (error) => {
      await undo(scene, madeAt, putBack)
      throw error
    })
  } finally {
    admin.close()
  }
  try {
    await renewSessions(scene)
    await pause(forMs, signal)
  } finally {
    await undo(scene, madeAt, putBack)
    await renewSessions(scene)
    // One that was beginning at that moment was not among them yet, and has the old default all the same.
    await sleep(BEGINNING_MS)
    await renewSessions(scene)
  }
}

/** A server that is down has ended the sessions already. */
async function renewSessions(scene: Scene): Promise<void> {
  try {
    const admin = await openAdmin(scene)
    try {
      await endSessions(admin, scene, await workerSessions(admin, scene))
    } finally {
      admin.close()
    }
  } catch {}
}

interface Setting {
  /** `null`: it was not set. */
  read(admin: ServerSession, name: string): Promise<string | null>
  write(admin: ServerSession, name: string, value: string | number | null): Promise<unknown>
}

const SETTINGS: Record<ServerFamily, Setting> = {
  postgres: {
    async read(admin, name) {
      const rows = await admin.query(
        `select substr(setting, length($1) + 2) as value
         from pg_db_role_setting, unnest(setconfig) as setting
         where setdatabase = (select oid from pg_database where datname = current_database())
           and setrole = 0 and starts_with(setting, $1 || '=')`,
        [name],
      )
      return (rows[0]?.value as string | undefined) ?? null
    },
    async write(admin, name, value) {
      const [row] = await admin.query('select current_database() as name')
      const database = quoted('postgres', String(row?.name))
      const change = value === null ? `reset ${name}` : `set ${name} = '${value}'`
      await admin.query(`alter database ${database} ${change}`)
    },
  },
  mysql: {
    async read(admin, name) {
      const [row] = await admin.query(`select @@global.${name} as value`)
      return String(row?.value)
    },
    write: (admin, name, value) => admin.query(`set global ${name} = ?`, [asMysqlValue(value)]),
  },
}

/** MySQL wants numbers as numbers. */
function asMysqlValue(value: string | number | null): string | number | null {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
}
