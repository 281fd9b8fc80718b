import { chainOf } from '../dialects/error-codes.ts'

/**
 * What a `create table if not exists` or a bookkeeping insert says when somebody else did the same at this moment:
 * "if not exists" looks first and creates then, and nothing keeps others out in between.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html: unique_violation, duplicate_table, duplicate_object
 */
const POSTGRES_THERE = new Set(['23505', '42P07', '42710'])
/** ER_TABLE_EXISTS_ERROR, ER_DUP_ENTRY */
const MYSQL_THERE = new Set([1050, 1062])
const SQLITE_THERE = /^SQLITE_CONSTRAINT|already exists/

/** Whether the error means that somebody else has made it: it is there now. */
export function isAlreadyThere(error: unknown): boolean {
  for (const { code, errno, message } of chainOf(error)) {
    if (POSTGRES_THERE.has(String(code)) || MYSQL_THERE.has(errno as number)) return true
    if (SQLITE_THERE.test(String(code)) || SQLITE_THERE.test(String(message))) return true
  }
  return false
}

/** ER_DUP_FIELDNAME; ER_CANT_DROP_FIELD_OR_KEY */
const MYSQL_COLUMN_DONE = new Set([1060, 1091])
const SQLITE_COLUMN_DONE = /duplicate column name: |no such column: "/

/**
 * Whether the error means that a column is there already that was to be added, or gone already that was to be dropped. Only of databases
 * that have no words for "if it is not there". One `alter table` of MySQL does all or nothing, so that one column tells of them all.
 */
export function isColumnDone(error: unknown): boolean {
  for (const { errno, message } of chainOf(error)) {
    if (MYSQL_COLUMN_DONE.has(errno as number) || SQLITE_COLUMN_DONE.test(String(message))) return true
  }
  return false
}

/** Serialization failure, deadlock, "tuple concurrently updated"; lock wait timeout, deadlock, table being altered. */
const POSTGRES_BUSY = new Set(['40001', '40P01', 'XX000'])
const MYSQL_BUSY = new Set([1205, 1213, 1684])
const SQLITE_BUSY = /^SQLITE_(BUSY|LOCKED)|is locked/

/** Whether the error means that somebody else is at work: nothing was done, and the same again can succeed. */
export function isInterrupted(error: unknown): boolean {
  for (const { code, errno, message } of chainOf(error)) {
    if (POSTGRES_BUSY.has(String(code)) || MYSQL_BUSY.has(errno as number)) return true
    if (SQLITE_BUSY.test(String(code)) || SQLITE_BUSY.test(String(message))) return true
  }
  return false
}
