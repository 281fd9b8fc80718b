import { Kysely, MysqlDialect, PostgresDialect } from 'kysely'
import mysqlCallback from 'mysql2'
import type mysql from 'mysql2/promise'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { kyselyStore } from '../src/drivers/kysely.ts'
import { mysqlStore } from '../src/drivers/mysql2.ts'
import { pgStore } from '../src/drivers/pg.ts'
import type { LockStore } from '../src/index.ts'
import { BACKENDS } from './support/backends.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { mysqlBackend, pgBackend } from './support/sql-backend.ts'

/** A store of the app's, on a pool of one connection. */
interface App {
  readonly store: LockStore
  /** Takes the only connection. @returns gives it back */
  takeAll(): Promise<() => void>
  end(): Promise<unknown>
}

const SIZE = 1

function openPg(url: string, storeOn: (pool: pg.Pool) => LockStore): App {
  const pool = new pg.Pool({ connectionString: url, max: SIZE })
  return {
    store: storeOn(pool),
    async takeAll() {
      const client = await pool.connect()
      return () => client.release()
    },
    end: () => pool.end(),
  }
}

function openMysql(url: string, storeOn: (pool: mysqlCallback.Pool) => LockStore): App {
  const pool = mysqlCallback.createPool({
    uri: url,
    connectionLimit: SIZE,
    supportBigNumbers: true,
    bigNumberStrings: true,
  })
  const promises = pool.promise()
  return {
    store: storeOn(pool),
    async takeAll() {
      const connection = await promises.getConnection()
      return () => connection.release()
    },
    end: () => promises.end(),
  }
}

type Open = (url: string, tableName: string) => App

const OPEN: Readonly<Record<'postgres' | 'mysql', Readonly<Record<string, Open>>>> = {
  postgres: {
    pgStore: (url, tableName) => openPg(url, (pool) => pgStore({ pool, tableName })),
    'pgStore, not prepared': (url, tableName) => openPg(url, (pool) => pgStore({ pool, tableName, prepare: false })),
    'kyselyStore with the pool': (url, tableName) =>
      openPg(url, (pool) =>
        kyselyStore({ connection: new Kysely({ dialect: new PostgresDialect({ pool }) }), pool, tableName }),
      ),
  },
  mysql: {
    mysqlStore: (url, tableName) =>
      openMysql(url, (pool) => mysqlStore({ pool: pool.promise() as mysql.Pool, tableName })),
    'kyselyStore with the pool': (url, tableName) =>
      openMysql(url, (pool) =>
        kyselyStore({ connection: new Kysely({ dialect: new MysqlDialect({ pool }) }), pool, tableName }),
      ),
  },
}

for (const { name, family, url } of BACKENDS) {
  describe.each(Object.entries(OPEN[family]))(`${name} (%s)`, (_name, open) => {
    let table: OpenBackend
    let app: App

    beforeEach(async () => {
      table = await (family === 'postgres' ? pgBackend(name, url) : mysqlBackend(name, url)).open()
      app = open(url, table.address?.tableName as string)
    })
    afterEach(async () => {
      await app.store.close()
      await app.end()
      await table.close()
    })

    test('renews while the app has the only connection of its pool', async () => {
      const taken = await app.store.tryAcquire({ key: 'k', owner: 'o', attempt: 'a', ttlUs: 5_000_000, heldBy: 'test' })
      if (!taken.granted) return expect.fail('refused')
      const giveBack = await app.takeAll()
      const hold = { key: 'k', owner: 'o', token: taken.token }
      for (let times = 0; times < 3; times++) {
        const [answer] = await app.store.extendAll([{ hold, ttlUs: 60_000_000 }], 3_000)
        expect(answer?.kind).toBe('renewed')
      }
      giveBack()
      expect((await app.store.inspect('k'))?.remainingUs).toBeGreaterThan(50_000_000)
    })
  })
}

test.runIf(BACKENDS.length === 0)('nothing to test: no server is selected', () => {})
