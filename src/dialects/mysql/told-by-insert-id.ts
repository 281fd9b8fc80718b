import { errors } from '../../errors.ts'

/**
 * What `last_insert_id(…)` brought back. Of a table with a trigger it brings back nothing, whatever the trigger does (MySQL 9.7, MariaDB 10.11): then
 * nobody knows the token, and 0 would be that of every grant.
 */
export function toldByInsertId(insertId: number): number {
  if (insertId !== 0) return insertId
  throw new errors.E_UNSUPPORTED(
    'the table of the locks has a trigger: MySQL and MariaDB then do not tell the token of a grant; drop the trigger, or give the store `portable: true`',
  )
}
