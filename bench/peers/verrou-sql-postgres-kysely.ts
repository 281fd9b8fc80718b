import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { kyselyStore } from '../../src/drivers/kysely.ts'
import { createLockTable } from './create-lock-table.ts'
import { lockFactoryPeer } from './lock-factory-peer.ts'
import type { Peer } from './peer.ts'

/** This library on a Kysely instance: alone, or with the pool that its dialect was made with. */
export function verrouSqlPostgresKysely(isPoolGiven: boolean): Peer {
  return {
    prepare: createLockTable,
    async open({ url, poolSize }) {
      const pool = new pg.Pool({ connectionString: url, max: poolSize })
      pool.on('error', () => {})
      const connection = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
      const store = kyselyStore(isPoolGiven ? { connection, pool } : { connection })
      return lockFactoryPeer(store, () => connection.destroy())
    },
  }
}
