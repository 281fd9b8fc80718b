import pg from 'pg'
import { pgStore } from '../../src/drivers/pg.ts'
import { isLockError, type LockStore } from '../../src/index.ts'
import { NotRun } from '../not-run.ts'
import { createLockTable } from './create-lock-table.ts'
import { lockFactoryPeer } from './lock-factory-peer.ts'
import type { Peer } from './peer.ts'

/** Leases that end with the process that holds them. */
export const verrouSqlPresence: Peer = {
  prepare: createLockTable,
  async open({ url, poolSize }) {
    const pool = new pg.Pool({ connectionString: url, max: poolSize })
    pool.on('error', () => {})
    try {
      return lockFactoryPeer(storeWithPresence(pool), () => pool.end())
    } catch (error) {
      await pool.end()
      throw isLockError(error, 'E_INVALID_OPTION') ? new NotRun('not built: presence', { cause: error }) : error
    }
  },
}

function storeWithPresence(pool: pg.Pool): LockStore {
  // What is written at the same time as this has no type here yet.
  const options = { pool, presence: true }
  return pgStore(options)
}
