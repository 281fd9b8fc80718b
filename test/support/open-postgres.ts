import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { type PgPoolLike, pgStore } from '../../src/drivers/pg.ts'
import { mutated } from '../mutation/mutated.ts'
import type { Opened } from './opened.ts'
import { serverAddress } from './server-address.ts'

/** A pool of `pg`, and Kysely on the same. */
export function openPostgres(url: string, poolSize = 10): Opened {
  const { url: connectionString, portable } = serverAddress(url)
  const pool = new pg.Pool({ connectionString, max: poolSize })
  pool.on('error', () => {})
  // Kysely gives a client out without listening for its errors: without this a lost connection ends the process.
  pool.on('connect', (client) => client.on('error', () => {}))
  return {
    url,
    db: new Kysely({ dialect: new PostgresDialect({ pool }) }),
    store(tableName, batch) {
      const broken = mutated('postgres', tableName)
      const query: PgPoolLike['query'] = (query) => pool.query({ ...query, text: broken(query.text) })
      // A connection of the store's own would not send what is broken.
      const isBroken = process.env.VERROU_MUTANT !== undefined
      return pgStore({
        pool: isBroken ? { query } : { query, options: pool.options, Client: Reflect.get(pool, 'Client') },
        tableName,
        portable,
        batch,
      })
    },
    close: () => pool.end(),
  }
}
