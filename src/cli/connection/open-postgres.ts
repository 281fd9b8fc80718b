import { Kysely, PostgresDialect } from 'kysely'
import { pgStore } from '../../drivers/pg.ts'
import { CONNECT_WITHIN_MS, MOST_CONNECTIONS } from './bounds.ts'
import type { OpenDatabase } from './connection.ts'
import { importDriver } from './import-driver.ts'

/** Postgres, through a pool of `pg`. Connects when it is first asked. */
export async function openPostgres(connectionString: string, shownUrl: string): Promise<OpenDatabase> {
  const { default: pg } = await importDriver('pg', () => import('pg'))
  const pool = new pg.Pool({
    connectionString,
    max: MOST_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    application_name: 'verrou',
  })
  // A connection that breaks is no reason to crash: the next statement says what is wrong. Kysely does not listen on those it takes.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  return {
    db,
    dialect: 'postgres',
    url: shownUrl,
    pool,
    lockStore: (table) => pgStore({ pool, ...table }),
    close: () => db.destroy(),
  }
}
