import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, MysqlDialect, PostgresDialect } from 'kysely'
import mysqlCallback from 'mysql2'
import type mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kyselyStore } from '../src/drivers/kysely.ts'
import { mysqlStore } from '../src/drivers/mysql2.ts'
import { pgStore } from '../src/drivers/pg.ts'
import { LockFactory, type LockStore } from '../src/index.ts'
import { BACKENDS, type Backend } from './support/backends.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { mysqlBackend, pgBackend } from './support/sql-backend.ts'

/** An app whose every connection is busy with its own critical sections. */
interface BusyApp {
  readonly store: LockStore
  /** Has one of the pool's connections in a transaction for so long. */
  busy(ms: number): Promise<void>
  end(): Promise<void>
}

function pgApp(url: string, tableName: string, size: number, viaKysely: boolean): BusyApp {
  const pool = new pg.Pool({ connectionString: url, max: size })
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  return {
    store: viaKysely ? kyselyStore({ connection: db, pool, tableName }) : pgStore({ pool, tableName }),
    async busy(ms) {
      const client = await pool.connect()
      await client.query('begin')
      await sleep(ms)
      await client.query('commit')
      client.release()
    },
    end: () => pool.end(),
  }
}

function mysqlApp(url: string, tableName: string, size: number, viaKysely: boolean): BusyApp {
  const pool = mysqlCallback.createPool({
    uri: url,
    connectionLimit: size,
    supportBigNumbers: true,
    bigNumberStrings: true,
  })
  const promised = pool.promise() as mysql.Pool
  const db = new Kysely<unknown>({ dialect: new MysqlDialect({ pool }) })
  return {
    store: viaKysely ? kyselyStore({ connection: db, pool, tableName }) : mysqlStore({ pool: promised, tableName }),
    async busy(ms) {
      const connection = await promised.getConnection()
      await connection.query('start transaction')
      await sleep(ms)
      await connection.query('commit')
      connection.release()
    },
    end: () => promised.end(),
  }
}

function appOf({ family, url }: Backend, tableName: string, size: number, viaKysely: boolean): BusyApp {
  return (family === 'postgres' ? pgApp : mysqlApp)(url, tableName, size, viaKysely)
}

for (const backend of BACKENDS) {
  describe(backend.name, () => {
    let open: OpenBackend
    beforeAll(async () => {
      open = await (backend.family === 'postgres' ? pgBackend : mysqlBackend)(backend.name, backend.url).open()
    })
    afterAll(() => open.close())

    for (const size of [1, 4]) {
      for (const viaKysely of [false, true]) {
        const through = viaKysely ? 'Kysely that shows its pool' : 'its own driver'
        test(`leases are kept alive while a pool of ${size} is busy, through ${through}`, async () => {
          const app = appOf(backend, open.address?.tableName as string, size, viaKysely)
          const locks = new LockFactory(app.store)
          const observer = open.factory()
          const key = `busy:${size}:${viaKysely}`
          const work = async (index: number) =>
            locks.createLock(`${key}:${index}`, 800).run(
              async ({ signal }) => {
                const working = app.busy(2_500)
                let intruders = 0
                for (let round = 0; round < 11; round++) {
                  await sleep(200)
                  if (await observer.createLock(`${key}:${index}`).acquireImmediately()) intruders++
                }
                await working
                return { intruders, isAborted: signal.aborted }
              },
              { keepAlive: true },
            )
          const outcomes = await Promise.all(Array.from({ length: size }, (_, index) => work(index)))
          for (const outcome of outcomes) expect(outcome).toEqual([true, { intruders: 0, isAborted: false }])
          await locks.close()
          await app.end()
        })
      }
    }
  })
}

test.runIf(BACKENDS.length === 0)('nothing to test: no server is selected', () => {})
