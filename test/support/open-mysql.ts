import { Kysely, MysqlDialect } from 'kysely'
import mysqlCallback from 'mysql2'
import mysql from 'mysql2/promise'
import { type Mysql2PoolLike, mysqlStore } from '../../src/drivers/mysql2.ts'
import { mutated } from '../mutation/mutated.ts'
import type { Opened } from './opened.ts'
import { serverAddress } from './server-address.ts'

/** A pool of `mysql2/promise`, and Kysely on one of its own. */
export function openMysql(url: string, poolSize = 10): Opened {
  const { url: uri, portable } = serverAddress(url)
  const pool = mysql.createPool({ uri, connectionLimit: poolSize })
  const exact = { supportBigNumbers: true, bigNumberStrings: true }
  const callbackPool = mysqlCallback.createPool({ uri, connectionLimit: 2, ...exact })
  return {
    url,
    db: new Kysely({ dialect: new MysqlDialect({ pool: callbackPool }) }),
    store(tableName, batch) {
      const broken = mutated('mysql', tableName)
      const execute: Mysql2PoolLike['execute'] = (sql, values) => pool.execute(broken(sql), values)
      // A connection of the store's own would not send what is broken.
      const isBroken = process.env.VERROU_MUTANT !== undefined
      return mysqlStore({ pool: isBroken ? { execute } : { execute, pool: pool.pool }, tableName, portable, batch })
    },
    async close() {
      // Connections that a test has broken cannot say goodbye.
      await pool.end().catch(() => {})
      await new Promise((done) => callbackPool.end(done))
    },
  }
}
