import { inspect } from 'node:util'
import Database from 'better-sqlite3'
import { Kysely, MysqlDialect, PostgresDialect, SqliteDialect } from 'kysely'
import mysqlCallback from 'mysql2'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { kyselyStore } from '../src/drivers/kysely.ts'
import { mysqlStore } from '../src/drivers/mysql2.ts'
import { pgStore } from '../src/drivers/pg.ts'
import { rejection } from './suite/rejection.ts'

// biome-ignore lint/suspicious/noExplicitAny: what is not typed right is what is tested
type Anything = any

/** Opens nothing until it is used. */
const pool = new pg.Pool({ host: '127.0.0.1', port: 1 })
const mysqlPool = mysql.createPool({ host: '127.0.0.1', port: 1 })
const callbackPool = mysqlCallback.createPool({ host: '127.0.0.1', port: 1 })
const connection = new Kysely<Anything>({ dialect: new PostgresDialect({ pool }) })
const URL = 'postgres://me:hunter2@127.0.0.1/app'

async function messageOf(make: () => unknown): Promise<string> {
  const error = await rejection((async () => make())(), 'E_INVALID_OPTION')
  // A connection string that is given in the wrong place is not repeated.
  expect(inspect(error)).not.toContain('hunter2')
  return error.message
}

describe('`listen`', () => {
  test.each([undefined, true, { connectionString: URL }, { connectionString: '/var/run/postgresql app' }])(
    'of %j makes a store that hears',
    (listen) => {
      expect(pgStore({ pool, listen }).wakeSource).toBeDefined()
      expect(kyselyStore({ connection, pool, listen }).wakeSource).toBeDefined()
    },
  )

  test('of false makes one that does not', () => {
    expect(pgStore({ pool, listen: false }).wakeSource).toBeUndefined()
    expect(kyselyStore({ connection, pool, listen: false }).wakeSource).toBeUndefined()
    expect(kyselyStore({ connection }).wakeSource).toBeUndefined()
  })

  test('is nothing of MySQL and MariaDB', () => {
    const mysqlConnection = new Kysely<Anything>({ dialect: new MysqlDialect({ pool: callbackPool }) })
    expect(kyselyStore({ connection: mysqlConnection, pool: callbackPool }).wakeSource).toBeUndefined()
    expect(kyselyStore({ connection: mysqlConnection, pool: mysqlPool }).wakeSource).toBeUndefined()
  })

  const refused: Anything[] = [
    ...[null, 0, 'yes', URL, [], {}, { connectionString: undefined }, { connectionString: '' }],
    ...[{ connectionString: 'me:hunter2@host/app' }, { connectionString: 'mysql://me:hunter2@host/app' }],
  ]
  test.each(refused.map((listen) => [listen]))('of %j is refused', async (listen) => {
    const rule = "`listen` must be true, false, or `{ connectionString: 'postgres://…' }`"
    expect(await messageOf(() => pgStore({ pool, listen }))).toContain(listen?.length === 0 ? '`listen`' : rule)
    expect(await messageOf(() => kyselyStore({ connection, pool, listen }))).toContain('`listen`')
  })

  test('has no other parts', async () => {
    expect(
      await messageOf(() => pgStore({ pool, listen: { connectionString: URL, ssl: true } as Anything })),
    ).toContain('unknown option "ssl" (string) in `listen`')
  })

  test('needs a pool that shows how to connect', async () => {
    const wrapped = { query: (query: Anything) => pool.query(query) }
    expect(pgStore({ pool: wrapped }).wakeSource).toBeUndefined()
    for (const listen of [true, { connectionString: URL }]) {
      expect(await messageOf(() => pgStore({ pool: wrapped, listen }))).toContain('`pool` must be a Pool of pg itself')
    }
  })

  test('of a Kysely instance needs its pool', async () => {
    for (const listen of [true, false, { connectionString: URL }]) {
      expect(await messageOf(() => kyselyStore({ connection, listen }))).toContain('which it does not show')
    }
  })

  test('is nothing for MySQL', async () => {
    for (const pool of [mysqlPool, callbackPool]) {
      expect(await messageOf(() => kyselyStore({ connection, pool, listen: true }))).toContain('only Postgres')
    }
    expect(await messageOf(() => mysqlStore({ pool: mysqlPool, listen: true } as Anything))).toContain('unknown option')
  })
})

test('a connection string instead of a pool is not repeated', async () => {
  for (const store of [pgStore, mysqlStore]) {
    expect(await messageOf(() => store({ pool: URL } as Anything))).toContain('got a value of the type string')
  }
  expect(await messageOf(() => kyselyStore({ connection: URL } as Anything))).toContain('`connection` must be')
})

describe('the `pool` of a Kysely instance', () => {
  test('is one of pg or of mysql2', async () => {
    for (const given of [pool, mysqlPool, callbackPool, undefined]) kyselyStore({ connection, pool: given })
    const sqlite = new Database(':memory:')
    const others = [
      null,
      'postgres://me:hunter2@host/app',
      {},
      connection,
      sqlite,
      { query: () => {} },
      { promise: () => {} },
    ]
    for (const given of others) {
      expect(await messageOf(() => kyselyStore({ connection, pool: given as Anything }))).toContain(
        '`pool` must be the pg.Pool',
      )
    }
    await new Kysely({ dialect: new SqliteDialect({ database: sqlite }) }).destroy()
  })

  test('opens nothing, and gets no listener, when a store is made', () => {
    for (const given of [pool, mysqlPool.pool as unknown as NodeJS.EventEmitter, callbackPool as NodeJS.EventEmitter]) {
      expect(
        given.eventNames().filter((event) => !['acquire', 'connection', 'enqueue', 'release'].includes(String(event))),
      ).toEqual([])
    }
    expect(pool.totalCount).toBe(0)
  })
})
