import type { Scene } from '../../fault.ts'
import { serverFamily, workerAtServer } from './server-scene.ts'
import type { ServerSession } from './server-session.ts'

/** What workers call their sessions on Postgres begins with this. They have a user of their own, too, where there is one. */
const WORKER_NAME = 'torture-worker'

/** One is gone already. */
const NO_SUCH_THREAD = 1094

/** The workers' sessions at the server, by the numbers that the server gives them, lowest first. */
export async function workerSessions(admin: ServerSession, scene: Scene): Promise<number[]> {
  const ids = serverFamily(scene) === 'postgres' ? await onPostgres(admin, scene) : await onMysql(admin, scene)
  return ids.sort((one, other) => one - other)
}

/** By the user as well: a session that a pooler keeps for the next one has no worker's name, and yet began with what was the default then. */
async function onPostgres(admin: ServerSession, { database }: Scene): Promise<number[]> {
  const worker = decodeURIComponent(new URL(database.workerUrl()).username)
  const sql = `select pid from pg_stat_activity
    where datname = current_database() and (starts_with(application_name, $1) or usename = $2 and usename <> current_user)`
  return (await admin.query(sql, [WORKER_NAME, worker])).map(({ pid }) => Number(pid))
}

async function onMysql(admin: ServerSession, scene: Scene): Promise<number[]> {
  const user = decodeURIComponent(new URL(workerAtServer(scene)).username)
  const sessions = await admin.query('show processlist')
  return sessions.filter(({ User }) => User === user).map(({ Id }) => Number(Id))
}

/** Ends these sessions, or only the statements that they are at. */
export async function endSessions(
  admin: ServerSession,
  scene: Scene,
  ids: readonly number[],
  what: 'session' | 'statement' = 'session',
): Promise<void> {
  if (serverFamily(scene) === 'postgres') {
    const end = what === 'session' ? 'pg_terminate_backend' : 'pg_cancel_backend'
    await admin.query(`select ${end}(pid) from unnest($1::int[]) as pid`, [ids])
    return
  }
  for (const id of ids) {
    await admin.query(`kill ${what === 'session' ? 'connection' : 'query'} ${id}`).catch(unlessGone)
  }
}

function unlessGone(error: unknown): void {
  if ((error as { errno?: number }).errno !== NO_SUCH_THREAD) throw error
}
