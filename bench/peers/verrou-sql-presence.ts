import pg from 'pg'
import { pgStore } from '../../src/drivers/pg.ts'
import { createLockTable } from './create-lock-table.ts'
import { lockFactoryPeer } from './lock-factory-peer.ts'
import type { Peer } from './peer.ts'

/** Leases that end with the process that holds them. */
export const verrouSqlPresence: Peer = {
  prepare: createLockTable,
  async open({ url, poolSize }) {
    const pool = new pg.Pool({ connectionString: url, max: poolSize })
    pool.on('error', () => {})
    return lockFactoryPeer(pgStore({ pool, presence: true }), () => pool.end())
  },
}
