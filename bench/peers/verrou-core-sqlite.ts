import { kyselyStore } from '@verrou/core/drivers/kysely'
import { Kysely, SqliteDialect } from 'kysely'
import { openDurableSqlite } from '../places/open-durable-sqlite.ts'
import type { Peer } from './peer.ts'
import { useOnce, verrouCorePeer } from './verrou-core-peer.ts'

/** Verrou with its Kysely store. */
export const verrouCoreSqlite: Peer = {
  prepare: (place) => useOnce(verrouCoreSqlite, place),
  async open({ url }) {
    const connection = new Kysely<unknown>({ dialect: new SqliteDialect({ database: openDurableSqlite(url) }) })
    return verrouCorePeer(kyselyStore({ connection }).factory(), () => connection.destroy())
  },
}
