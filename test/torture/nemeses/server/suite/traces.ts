import type { TestedServer } from './tested-server.ts'

/** All that a fault could leave at a server: settings, sessions, zones, locks. */
export async function traces(server: TestedServer): Promise<unknown> {
  return server.family === 'postgres' ? onPostgres(server) : onMysql(server)
}

async function onPostgres({ admin, tableName }: TestedServer): Promise<unknown> {
  const settings = await admin.query(
    `select setconfig from pg_db_role_setting, pg_database
     where setdatabase = pg_database.oid and datname = current_database()`,
  )
  const sessions = await admin.query(
    `select application_name, state from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()
       and application_name !~ 'verrou' and application_name <> '' and backend_type = 'client backend'`,
  )
  const locks = await admin.query(
    `select mode from pg_locks where relation = '${tableName}'::regclass and pid <> pg_backend_pid()`,
  )
  return { settings, sessions, locks }
}

async function onMysql({ admin, tableName, workerUser }: TestedServer): Promise<unknown> {
  const settings = await admin.query(
    `show global variables where variable_name in
     ('transaction_isolation', 'tx_isolation', 'time_zone', 'innodb_lock_wait_timeout', 'wait_timeout')`,
  )
  const zones = await Promise.all(
    ['time_zone', 'time_zone_name', 'time_zone_transition', 'time_zone_transition_type'].map((table) =>
      admin.query(`select count(*) as n from mysql.${table}`),
    ),
  )
  const sessions = (await admin.query('show processlist')).filter(({ User }) => User === workerUser)
  await admin.query('begin')
  const free = await admin.query(`select 1 from ${tableName} for update skip locked`)
  await admin.query('rollback')
  const all = await admin.query(`select 1 from ${tableName}`)
  return { settings, zones, sessions, locked: all.length - free.length }
}
