import { Kysely, MysqlDialect } from 'kysely'
import mysqlCallback from 'mysql2'
import mysql, { type ResultSetHeader, type RowDataPacket } from 'mysql2/promise'
import { fromMysql2 } from '../../src/adapters/mysql2.ts'
import { kyselyStore } from '../../src/drivers/kysely.ts'
import { type Mysql2PoolLike, mysqlStore } from '../../src/drivers/mysql2.ts'
import type { BrokenBuild } from './broken/broken-build.ts'
import { kyselyTransact } from './kysely-transact.ts'
import type { WorkerDatabase } from './worker-database.ts'
import type { WorkerSettings } from './worker-settings.ts'

export async function openWorkerMysql(
  { url, process: name, tableName, store, batch, presence }: WorkerSettings,
  broken: BrokenBuild | undefined,
): Promise<WorkerDatabase> {
  const options = { uri: url, connectTimeout: 5_000, connectAttributes: { program_name: `torture-worker-${name}` } }
  const pool = mysql.createPool({ ...options, connectionLimit: 4 })
  const exact = { supportBigNumbers: true, bigNumberStrings: true }
  const kyselyPool = mysqlCallback.createPool({ ...options, ...exact, connectionLimit: store === 'driver' ? 1 : 3 })
  const db = new Kysely({ dialect: new MysqlDialect({ pool: kyselyPool }) })
  const breakSql = broken?.breakSql
  const execute: Mysql2PoolLike['execute'] = (sql, values) => pool.execute(breakSql ? breakSql(sql) : sql, values)
  const driverStore = () => mysqlStore({ pool: breakSql ? { execute } : pool, tableName, batch, presence })
  return {
    store:
      store === 'driver' || broken
        ? driverStore()
        : kyselyStore({ connection: db, pool: kyselyPool, tableName, batch, presence }),
    db,
    transact:
      store === 'kysely' && !broken
        ? kyselyTransact(db)
        : async (work, beforeCommit) => {
            const connection = await pool.getConnection()
            let isSound = false
            try {
              await connection.beginTransaction()
              const transaction = fromMysql2(connection)
              const { handle } = transaction
              const breaking: typeof transaction.execute = (statement, values) =>
                transaction.execute({ ...statement, sql: breakSql ? breakSql(statement.sql) : statement.sql }, values)
              await work({
                transaction: { handle, execute: breaking },
                async send(sql) {
                  const [result] = await connection.query<RowDataPacket[] | ResultSetHeader>(sql)
                  return Array.isArray(result)
                    ? { rows: result, changed: 0 }
                    : { rows: [], changed: result.affectedRows }
                },
              })
              beforeCommit()
              await connection.commit()
              isSound = true
            } catch (error) {
              await connection.rollback().catch(() => {})
              throw error
            } finally {
              // A connection whose transaction has failed is thrown away: it may be broken.
              if (isSound) connection.release()
              else connection.destroy()
            }
          },
    async close() {
      await pool.end().catch(() => {})
      await new Promise((closed) => kyselyPool.end(closed))
    },
  }
}
