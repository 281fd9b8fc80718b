import mysql from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fromMysql2 } from '../src/adapters/mysql2.ts'
import { connect } from '../src/cli/connect.ts'
import { cluster } from '../src/cli/doctor/checks/cluster.ts'
import { openPatient } from '../src/cli/doctor/open-patient.ts'
import { type Mysql2PoolLike, mysqlStore } from '../src/drivers/mysql2.ts'
import { LockFactory } from '../src/index.ts'
import { migrateToLatest } from '../src/schema/migrations.ts'
import { isSelected } from './servers/selection.ts'
import { openMysql } from './support/open-mysql.ts'
import { startGaleraCluster } from './torture/servers/galera-cluster.ts'
import { queryMysql } from './torture/servers/query-mysql.ts'
import type { RestartableServer } from './torture/servers/restartable-server.ts'

/** MariaDB Galera, three nodes that all take writes: what holds there, and what does not. docs/databases.md says it in words. */

const TABLE = 'verrou_locks'

describe.skipIf(!isSelected('mariadb'))('galera', () => {
  let nodes: RestartableServer[] = []
  const ends: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    nodes = await startGaleraCluster()
    const opened = openMysql(nodeUrl(0))
    await migrateToLatest(opened.db, { tableName: TABLE })
    await opened.close()
  })
  afterAll(async () => {
    for (const end of ends) await end()
    await Promise.all(nodes.map((node) => node.process.stop()))
  })

  /** As apps come: `wsrep_sync_wait` is 0 for them. */
  const nodeUrl = (node: number) => String(nodes[node]?.url).replace('verrou:verrou@', 'worker:worker@')

  const locksAt = (node: number, change: (pool: mysql.Pool) => Mysql2PoolLike = (pool) => pool): LockFactory => {
    const pool = mysql.createPool({ uri: nodeUrl(node), connectionLimit: 5 })
    const locks = new LockFactory(mysqlStore({ pool: change(pool), tableName: TABLE }))
    ends.push(async () => {
      await locks.close()
      await pool.end()
    })
    return locks
  }

  test('three nodes that want one key at the same moment: one has it, and nobody sees an error', async () => {
    const everywhere = [0, 1, 2].map((node) => locksAt(node))
    for (let round = 0; round < 60; round++) {
      const locks = everywhere.map((at) => at.createLock(`round:${round % 20}`, '30s'))
      const granted = await Promise.all(locks.map((lock) => lock.acquireImmediately()))
      expect(granted.filter(Boolean).length).toBeLessThanOrEqual(1)
      for (const lock of locks) if (lock.fencingToken !== null) await lock.release()
    }
  })

  test('the doctor says what it is, and what that means', async () => {
    await using connection = await connect({ url: nodeUrl(1) })
    const remarks = await cluster.run(await openPatient(connection))
    expect(remarks).toEqual([expect.objectContaining({ level: 'note', what: 'Galera, 3 nodes' })])
  })

  test('a counter under one lock, from three nodes: nothing is lost', async () => {
    const pools = [0, 1, 2].map((node) => mysql.createPool({ uri: nodeUrl(node), connectionLimit: 4 }))
    await pools[0]?.query('create table counted (id int primary key, value int)')
    await pools[0]?.query('insert into counted values (1, 0)')
    const increment = async (node: number) => {
      const pool = pools[node] as mysql.Pool
      const lock = locksAt(node).createLock('counted', '5s')
      for (let done = 0; done < 15; ) {
        if (!(await lock.acquire({ retry: { timeout: '10s' } }))) continue
        const connection = await pool.getConnection()
        try {
          await connection.beginTransaction()
          await lock.guard(fromMysql2(connection))
          const [[row]] = await connection.query<mysql.RowDataPacket[]>('select value from counted where id = 1')
          await connection.query('update counted set value = ? where id = 1', [Number(row?.value) + 1])
          await connection.commit()
          done++
        } catch {
          // Certification found a conflict: at the commit, or at any statement before it. The whole transaction again.
          await connection.rollback().catch(() => {})
        } finally {
          connection.release()
          await lock.release().catch(() => {})
        }
      }
    }
    await Promise.all([0, 1, 2].map(increment))
    await Promise.all(pools.map((pool) => pool.end()))
    // Whoever may do anything reads causally here: the last commits of the other nodes are waited for.
    const [row] = await queryMysql(String(nodes[0]?.url), 'select value from counted where id = 1')
    expect(Number(row?.value)).toBe(45)
  })

  test('a question to another node may see the moment before; a try is never granted by it', async () => {
    const [here, there] = [locksAt(0), locksAt(2)]
    let stale = 0
    for (let round = 0; round < 100; round++) {
      const lock = here.createLock(`seen:${round}`, '30s')
      await lock.acquire()
      if (!(await there.createLock(`seen:${round}`).isLocked())) stale++
      expect(await there.createLock(`seen:${round}`).acquireImmediately()).toBe(false)
    }
    // How many is chance; that they occur is why `isLocked()` is no basis for a decision.
    expect(stale).toBeLessThan(100)
  })

  test('a node whose clock is ahead lets a lease end early, by as much; the guard refuses the earlier holder all the same', async () => {
    const holder = locksAt(0).createLock('ahead', '3s')
    await holder.acquire()
    const rival = locksAt(1, (pool) => clockAhead(pool, 5)).createLock('ahead', '3s')
    expect(await rival.acquireImmediately()).toBe(true)
    expect(holder.isExpired()).toBe(false)
    expect(rival.fencingToken).toBeGreaterThan(holder.fencingToken ?? 0)
    const connection = await mysql.createConnection(nodeUrl(0))
    await connection.beginTransaction()
    // The write of the other node may not have arrived yet: then the commit finds the conflict.
    const guarded = holder.guard(fromMysql2(connection)).then(() => connection.commit())
    await expect(guarded).rejects.toSatisfy((error: { code: string; errno?: number }) => {
      return error.code === 'E_LOCK_LOST' || error.code === 'E_TRANSACTION_CONFLICT' || error.errno === 1213
    })
    await connection.end()
  })
})

/** What a node does whose clock is so many seconds ahead: `timestamp` is what all its functions of the time go by. */
function clockAhead(pool: mysql.Pool, seconds: number): Mysql2PoolLike {
  return {
    async execute(sql, values) {
      const connection = await pool.getConnection()
      try {
        await connection.query(`set timestamp = unix_timestamp(sysdate(6)) + ${seconds}`)
        return await connection.execute(sql, values)
      } finally {
        connection.release()
      }
    },
  }
}

test.runIf(!isSelected('mariadb'))('nothing to test: MariaDB is not selected', () => {})
