import pg from 'pg'
import { pgStore } from '../../src/drivers/pg.ts'
import { LockFactory } from '../../src/index.ts'
import { createLockTable } from './create-lock-table.ts'
import type { Peer } from './peer.ts'

/** The session locks of this library: no table, one connection for all of them. */
export const verrouSqlSession: Peer = {
  prepare: createLockTable,
  async open({ url, poolSize }) {
    const pool = new pg.Pool({ connectionString: url, max: poolSize })
    pool.on('error', () => {})
    const locks = new LockFactory(pgStore({ pool }))
    return {
      async take(key) {
        const lock = locks.createLock(key, { strategy: 'session' })
        return (await lock.acquireImmediately()) ? lock : undefined
      },
      async close() {
        await locks.close()
        await pool.end()
      },
    }
  },
}
