import type { ErrorMeaning } from '../dialect.ts'
import { chainOf, driverText } from '../error-codes.ts'

/** Somebody has written since this transaction began to read: https://www.sqlite.org/rescode.html#busy_snapshot */
const STALE = /^SQLITE_BUSY_SNAPSHOT/
const READ_ONLY = /^SQLITE_READONLY/
/** https://www.sqlite.org/rescode.html: another connection writes, or (LOCKED) shares our cache. */
const BUSY = /^SQLITE_(BUSY|LOCKED)/

/**
 * What an error of an SQLite driver means. There is no network: an error means that nothing happened.
 *
 * @param statement one that has nothing to wait for takes a busy file for a row that somebody has locked
 */
export function meaningOfSqliteError(error: unknown, statement?: string): ErrorMeaning {
  const meaning = meaningOf(error)
  return meaning === 'transient' && statement === 'want' ? 'row-locked' : meaning
}

function meaningOf(error: unknown): ErrorMeaning {
  for (const { code, message } of chainOf(error)) {
    const text = driverText(message)
    if (typeof code === 'string' && STALE.test(code)) return 'stale'
    if (typeof code === 'string' && READ_ONLY.test(code)) return 'read-only'
    if (typeof code === 'string' && BUSY.test(code)) return 'transient'
    // SQLite has one code, SQLITE_ERROR, for all that is wrong with a statement; only its text tells more.
    if (/database (table )?is locked/.test(text)) return 'transient'
    if (/no such table|unknown database/.test(text)) return 'missing-table'
    if (/no such column|has no column named/.test(text)) return 'outdated-table'
  }
  return 'failed'
}
