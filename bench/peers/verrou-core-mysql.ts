import { kyselyStore } from '@verrou/core/drivers/kysely'
import { Kysely, MysqlDialect } from 'kysely'
import { createPool } from 'mysql2'
import type { Peer } from './peer.ts'
import { useOnce, verrouCorePeer } from './verrou-core-peer.ts'

/** Verrou with its Kysely store. */
export const verrouCoreMysql: Peer = {
  prepare: (place) => useOnce(verrouCoreMysql, place),
  async open({ url, poolSize }) {
    const pool = createPool({ uri: url, connectionLimit: poolSize })
    const connection = new Kysely<unknown>({ dialect: new MysqlDialect({ pool }) })
    return verrouCorePeer(kyselyStore({ connection }).factory(), () => connection.destroy())
  },
}
