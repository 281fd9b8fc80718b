import { Kysely, MysqlDialect } from 'kysely'
import { mysqlStore } from '../../drivers/mysql2.ts'
import { CONNECT_WITHIN_MS, MOST_CONNECTIONS } from './bounds.ts'
import type { OpenDatabase } from './connection.ts'
import { importDriver } from './import-driver.ts'

/** MySQL or MariaDB, through a pool of `mysql2`. Connects when it is first asked. */
export async function openMysql(uri: string, shownUrl: string): Promise<OpenDatabase> {
  const { createPool } = await importDriver('mysql2', () => import('mysql2'))
  const pool = createPool({ uri, connectionLimit: MOST_CONNECTIONS, connectTimeout: CONNECT_WITHIN_MS })
  const db = new Kysely<unknown>({ dialect: new MysqlDialect({ pool }) })
  return {
    db,
    dialect: 'mysql',
    url: shownUrl,
    pool,
    // Kysely wants the pool with callbacks, the store that of promises: two faces of the same pool.
    lockStore: (table) => mysqlStore({ pool: pool.promise(), ...table }),
    close: () => db.destroy(),
  }
}
