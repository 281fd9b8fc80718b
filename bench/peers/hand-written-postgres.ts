import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { Place } from '../places/place.ts'
import type { OpenPeer, Peer } from './peer.ts'

const TABLE = `
create table if not exists plain_locks (
  key text primary key,
  owner text not null,
  expires_at timestamptz not null
)`

const ACQUIRE = `
insert into plain_locks (key, owner, expires_at)
values ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
on conflict (key) do update
set owner = excluded.owner, expires_at = excluded.expires_at
where plain_locks.expires_at <= clock_timestamp()
returning owner`

const RELEASE = `
update plain_locks
set expires_at = '-infinity'
where key = $1 and owner = $2 and expires_at > '-infinity'`

const RELEASE_UNFLUSHED = `
with relaxed as materialized (select set_config('synchronous_commit', 'off', true))
update plain_locks
set expires_at = '-infinity'
from relaxed
where key = $1 and owner = $2 and expires_at > '-infinity'`

/** The two statements that a careful engineer would write, each prepared once per connection. */
export const handWrittenPostgres: Peer = {
  prepare: createTable,
  open: ({ url, poolSize }) => open(url, poolSize, RELEASE),
}

/** The same by somebody who knows that a release need not wait for the disk. */
export const handWrittenPostgresUnflushed: Peer = {
  prepare: createTable,
  open: ({ url, poolSize }) => open(url, poolSize, RELEASE_UNFLUSHED),
}

async function createTable(place: Place): Promise<void> {
  await place.send(TABLE)
}

async function open(connectionString: string, max: number, release: string): Promise<OpenPeer> {
  const pool = new pg.Pool({ connectionString, max })
  pool.on('error', () => {})
  return {
    async take(key, ttlMs) {
      const owner = randomBytes(16).toString('hex')
      const { rowCount } = await pool.query({ name: 'acquire', text: ACQUIRE, values: [key, owner, ttlMs] })
      if (rowCount === 0) return undefined
      return {
        async release() {
          const released = await pool.query({ name: 'release', text: release, values: [key, owner] })
          if (released.rowCount === 0) throw new Error('the lock was lost')
        },
      }
    },
    close: () => pool.end(),
  }
}
