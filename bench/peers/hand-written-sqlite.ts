import { randomBytes } from 'node:crypto'
import { openDurableSqlite } from '../places/open-durable-sqlite.ts'
import type { Peer } from './peer.ts'

const TABLE = `
create table if not exists plain_locks (
  key text not null primary key,
  owner text not null,
  expires_at real not null
) without rowid`

const ACQUIRE = `
insert into plain_locks (key, owner, expires_at)
values (?, ?, unixepoch('subsec') + ? / 1000.0)
on conflict (key) do update
set owner = excluded.owner, expires_at = excluded.expires_at
where plain_locks.expires_at <= unixepoch('subsec')`

const RELEASE = 'update plain_locks set expires_at = 0 where key = ? and owner = ? and expires_at > 0'

/** The two statements that a careful engineer would write, prepared once. They block the event loop while the disk is waited for. */
export const handWrittenSqlite: Peer = {
  async prepare(place) {
    await place.send(TABLE)
  },
  async open({ url }) {
    const database = openDurableSqlite(url)
    const [acquire, release] = [database.prepare(ACQUIRE), database.prepare(RELEASE)]
    return {
      async take(key, ttlMs) {
        const owner = randomBytes(16).toString('hex')
        if (acquire.run(key, owner, ttlMs).changes === 0) return undefined
        return {
          async release() {
            if (release.run(key, owner).changes === 0) throw new Error('the lock was lost')
          },
        }
      },
      close: async () => database.close(),
    }
  },
}
