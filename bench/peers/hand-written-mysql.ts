import { randomBytes } from 'node:crypto'
import mysql, { type ResultSetHeader } from 'mysql2/promise'
import type { Peer } from './peer.ts'

const TABLE = `
create table if not exists plain_locks (
  name varbinary(255) not null primary key,
  owner varbinary(64) not null,
  expires_at datetime(6) not null
) engine = InnoDB`

/** Assignments happen from left to right, each with the new values of those before: hence the owner first, and then by the owner. */
const ACQUIRE = `
insert into plain_locks (name, owner, expires_at)
values (?, ?, utc_timestamp(6) + interval ? microsecond)
on duplicate key update
  owner = if(expires_at <= utc_timestamp(6), values(owner), owner),
  expires_at = if(owner = values(owner), values(expires_at), expires_at)`

const RELEASE = `
update plain_locks
set expires_at = '1970-01-01'
where name = ? and owner = ? and expires_at > '1970-01-01'`

/** The two statements that a careful engineer would write, as prepared statements. */
export const handWrittenMysql: Peer = {
  async prepare(place) {
    await place.send(TABLE)
  },
  async open({ url, poolSize }) {
    // Without this flag, a row that stays as it was counts like one that was inserted.
    const pool = mysql.createPool({ uri: url, connectionLimit: poolSize, flags: ['-FOUND_ROWS'] })
    return {
      async take(key, ttlMs) {
        const owner = randomBytes(16).toString('hex')
        const [taken] = await pool.execute<ResultSetHeader>(ACQUIRE, [key, owner, ttlMs * 1000])
        if (taken.affectedRows === 0) return undefined
        return {
          async release() {
            const [released] = await pool.execute<ResultSetHeader>(RELEASE, [key, owner])
            if (released.affectedRows === 0) throw new Error('the lock was lost')
          },
        }
      },
      close: () => pool.end(),
    }
  },
}
