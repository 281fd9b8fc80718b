import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { fromPg } from '../../src/adapters/pg.ts'
import { kyselyStore } from '../../src/drivers/kysely.ts'
import { type PgPoolLike, pgStore } from '../../src/drivers/pg.ts'
import type { BrokenBuild } from './broken/broken-build.ts'
import { kyselyTransact } from './kysely-transact.ts'
import type { WorkerDatabase } from './worker-database.ts'
import type { WorkerSettings } from './worker-settings.ts'

export async function openWorkerPostgres(
  { url, process: name, tableName, store, batch, presence }: WorkerSettings,
  broken: BrokenBuild | undefined,
): Promise<WorkerDatabase> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 4,
    application_name: `torture-worker-${name}`,
    connectionTimeoutMillis: 5_000,
  })
  pool.on('error', () => {})
  // Kysely gives a client out without listening for its errors: without this a lost connection ends the process.
  pool.on('connect', (client) => client.on('error', () => {}))
  const db = new Kysely({ dialect: new PostgresDialect({ pool }) })
  const breakSql = broken?.breakSql
  const driverStore = () => {
    if (breakSql === undefined) return pgStore({ pool, tableName, batch, presence })
    const query: PgPoolLike['query'] = (asked) => pool.query({ text: breakSql(asked.text), values: asked.values })
    return pgStore({
      pool: { query, options: pool.options, Client: Reflect.get(pool, 'Client') },
      tableName,
      presence,
      prepare: false,
    })
  }
  return {
    store:
      store === 'driver' || broken ? driverStore() : kyselyStore({ connection: db, pool, tableName, batch, presence }),
    db,
    transact:
      store === 'kysely' && !broken
        ? kyselyTransact(db)
        : async (work, beforeCommit) => {
            const client = await pool.connect()
            let failure: Error | undefined
            try {
              await client.query('begin')
              await work({
                transaction: breakSql ? breaking(fromPg(client), breakSql) : fromPg(client),
                async send(sql) {
                  const { rows, rowCount } = await client.query(sql)
                  return { rows, changed: rowCount ?? 0 }
                },
              })
              beforeCommit()
              await client.query('commit')
            } catch (error) {
              failure = error as Error
              await client.query('rollback').catch(() => {})
              throw error
            } finally {
              // A connection whose transaction has failed is thrown away: it may be broken.
              client.release(failure !== undefined)
            }
          },
    async close() {
      await db.destroy()
    },
  }
}

/** The same transaction, whose statements of ours are broken on their way. */
function breaking(transaction: ReturnType<typeof fromPg>, breakSql: (sql: string) => string) {
  const { handle, execute } = transaction
  return {
    handle,
    execute: ((statement, values) => execute({ ...statement, sql: breakSql(statement.sql) }, values)) as typeof execute,
  }
}
