import pg from 'pg'
import { pgStore } from '../../src/drivers/pg.ts'
import { isLockError, LockFactory, type Ttl } from '../../src/index.ts'
import { NotRun } from '../not-run.ts'
import { createLockTable } from './create-lock-table.ts'
import type { Peer } from './peer.ts'

// What is written at the same time as this has no type here yet.
const SESSION = { strategy: 'session' } as unknown as Ttl

/** The session locks of this library: no table, one connection for all of them. */
export const verrouSqlSession: Peer = {
  prepare: createLockTable,
  async open({ url, poolSize }) {
    const pool = new pg.Pool({ connectionString: url, max: poolSize })
    pool.on('error', () => {})
    const locks = new LockFactory(pgStore({ pool }))
    try {
      locks.createLock('is it built?', SESSION)
    } catch (error) {
      await pool.end()
      throw isLockError(error) ? new NotRun('not built: session locks', { cause: error }) : error
    }
    return {
      async take(key) {
        const lock = locks.createLock(key, SESSION)
        return (await lock.acquireImmediately()) ? lock : undefined
      },
      async close() {
        await locks.close()
        await pool.end()
      },
    }
  },
}
