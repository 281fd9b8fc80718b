import type { TortureDatabase } from './databases/torture-database.ts'
import { heldSessions } from './lock-sampler.ts'
import { TortureTables } from './torture-tables.ts'
import type { Send } from './work/work-kind.ts'

/** What is still there after all workers have ended and every lease has run out: nothing should be. */
export async function findLeftovers(database: TortureDatabase, tableName: string, send: Send): Promise<string[]> {
  const tables = new TortureTables(database.family, tableName)
  const held = (await send(tables.readHeld())).rows.map(
    ({ lock_key, held_by, token }) => `${lock_key} is held by ${held_by} (${token})`,
  )
  const sessions = database.hasSessionLocks ? await heldSessions(database, tableName, send) : []
  return [...held, ...sessions, ...(await ofServer(database, tables, send))]
}

async function ofServer({ family, name }: TortureDatabase, tables: TortureTables, send: Send): Promise<string[]> {
  if (family === 'sqlite') return await lockedFile(send)
  const found = [...(await lockedRows(tables, send)), ...(await sessionsAndLocks(family, send))]
  // A pooler keeps the sessions of those who have gone for those who come.
  return name.startsWith('pgbouncer') ? found.filter((what) => !what.startsWith('session:')) : found
}

async function lockedRows(tables: TortureTables, send: Send): Promise<string[]> {
  try {
    await send(tables.lockAllRows())
    return []
  } catch (error) {
    return [`somebody has rows of the table locked: ${error}`]
  }
}

async function lockedFile(send: Send): Promise<string[]> {
  try {
    await send('begin immediate')
    await send('rollback')
    return []
  } catch (error) {
    return [`somebody has the file locked: ${error}`]
  }
}

const QUESTIONS: Readonly<Record<'postgres' | 'mysql', Readonly<Record<string, string>>>> = {
  postgres: {
    session: `select application_name || ' ' || state as what from pg_stat_activity where application_name like 'torture-worker%'`,
    'advisory lock': `select objid::text as what from pg_locks where locktype = 'advisory'`,
    'open transaction': `select pid || ' ' || coalesce(query, '') as what from pg_stat_activity
      where xact_start is not null and pid <> pg_backend_pid() and datname = current_database() and backend_type = 'client backend'`,
  },
  mysql: {
    'user lock': `select object_name as what from performance_schema.metadata_locks where object_type = 'USER LEVEL LOCK'`,
    'open transaction': `select trx_id as what from information_schema.innodb_trx where trx_mysql_thread_id <> connection_id() and trx_mysql_thread_id <> 0`,
  },
}

async function sessionsAndLocks(family: 'postgres' | 'mysql', send: Send): Promise<string[]> {
  const found: string[] = []
  for (const [name, sql] of Object.entries(QUESTIONS[family])) {
    const { rows } = await send(sql)
    found.push(...rows.map(({ what }) => `${name}: ${what}`))
  }
  return found
}
