import { chainOf } from '../dialects/error-codes.ts'

/**
 * What `create table if not exists` and bookkeeping inserts say when another process does the same at this moment:
 * "if not exists" looks first and creates then, and nothing keeps others out in between.
 * https://www.postgresql.org/message-id/CA%2BTgmoZAdYVtwBfp1FL2sMZbiHCWT4UPrzRLNnX1Nb30Ku3-gg%40mail.gmail.com
 */
const POSTGRES = new Set(['23505', '42P07', '42710', '40001', '40P01', 'XX000'])
const MYSQL = new Set([1050, 1062, 1205, 1213, 1684])
const SQLITE = /^SQLITE_(BUSY|LOCKED|CONSTRAINT)|already exists|is locked/

/** Whether the error means that somebody else was doing the same, so that doing it again finds it done. */
export function isCollision(error: unknown): boolean {
  for (const { code, errno, message } of chainOf(error)) {
    if (POSTGRES.has(String(code)) || MYSQL.has(errno as number)) return true
    if (SQLITE.test(String(code)) || SQLITE.test(String(message))) return true
  }
  return false
}
