import type { ServerSession } from './server-session.ts'
import type { ZoneChange } from './time-zone-change.ts'

const WINTER = 0
const SUMMER = 1
const MONTH_SECONDS = 30 * 24 * 3_600

/** Writes a zone with one change into the tables that the server looks zones up in; the same on MySQL and MariaDB. */
export async function createMysqlZone(
  admin: ServerSession,
  name: string,
  { change, atSeconds }: ZoneChange,
): Promise<void> {
  const [before, after] = change === 'gap' ? [WINTER, SUMMER] : [SUMMER, WINTER]
  const [row] = await admin.query(
    `select coalesce(max(Time_zone_id), 0) + 1 as id from
     (select Time_zone_id from mysql.time_zone union all select Time_zone_id from mysql.time_zone_name) as used`,
  )
  const id = Number(row?.id)
  // First, so that whatever comes of the others can be found and removed.
  await admin.query('insert into mysql.time_zone_name (Name, Time_zone_id) values (?, ?)', [name, id])
  await admin.query(`insert into mysql.time_zone (Time_zone_id, Use_leap_seconds) values (?, 'N')`, [id])
  await admin.query(
    `insert into mysql.time_zone_transition_type (Time_zone_id, Transition_type_id, \`Offset\`, Is_DST, Abbreviation)
     values (?, ${WINTER}, 0, 0, 'TST'), (?, ${SUMMER}, 3600, 1, 'TDT')`,
    [id, id],
  )
  await admin.query(
    `insert into mysql.time_zone_transition (Time_zone_id, Transition_time, Transition_type_id) values (?, ?, ?), (?, ?, ?)`,
    [id, atSeconds - MONTH_SECONDS, before, id, atSeconds, after],
  )
}

/** Removes it again, if it is there. */
export async function removeMysqlZone(admin: ServerSession, name: string): Promise<void> {
  for (const { id } of await admin.query('select Time_zone_id as id from mysql.time_zone_name where Name = ?', [
    name,
  ])) {
    // The name last, by which a second effort finds the others.
    for (const table of ['time_zone_transition', 'time_zone_transition_type', 'time_zone', 'time_zone_name'])
      await admin.query(`delete from mysql.${table} where Time_zone_id = ?`, [id])
  }
}
