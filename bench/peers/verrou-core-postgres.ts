import { kyselyStore } from '@verrou/core/drivers/kysely'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Peer } from './peer.ts'
import { useOnce, verrouCorePeer } from './verrou-core-peer.ts'

/** Verrou with its Kysely store. */
export const verrouCorePostgres: Peer = {
  prepare: (place) => useOnce(verrouCorePostgres, place),
  async open({ url, poolSize }) {
    const pool = new pg.Pool({ connectionString: url, max: poolSize })
    pool.on('error', () => {})
    const connection = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
    return verrouCorePeer(kyselyStore({ connection }).factory(), () => connection.destroy())
  },
}
