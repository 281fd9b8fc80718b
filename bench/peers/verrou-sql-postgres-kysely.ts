import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { kyselyStore } from '../../src/drivers/kysely.ts'
import { createLockTable } from './create-lock-table.ts'
import { lockFactoryPeer } from './lock-factory-peer.ts'
import type { Peer } from './peer.ts'

/** This library on a Kysely instance that it knows nothing else of. */
export const verrouSqlPostgresKysely: Peer = {
  prepare: createLockTable,
  async open({ url, poolSize }) {
    const pool = new pg.Pool({ connectionString: url, max: poolSize })
    pool.on('error', () => {})
    const connection = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
    return lockFactoryPeer(kyselyStore({ connection }), () => connection.destroy())
  },
}
