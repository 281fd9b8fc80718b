import Database from 'better-sqlite3'
import { Kysely, MysqlDialect, PostgresDialect, SqliteDialect } from 'kysely'
import mysqlCallback from 'mysql2'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { kyselyStore } from '../src/drivers/kysely.ts'
import { mysqlStore } from '../src/drivers/mysql2.ts'
import { pgStore } from '../src/drivers/pg.ts'
import { LockFactory, type LockStore } from '../src/index.ts'
import { migrateToLatest } from '../src/schema/migrations.ts'
import { startPgbouncer } from './servers/start-pgbouncer.ts'
import { rejection } from './suite/rejection.ts'
import { BACKENDS } from './support/backends.ts'
import { optionalServer } from './support/optional-server.ts'
import { uniqueTableName } from './support/table-name.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

/** The option `presence`: where it can be given, where it cannot work, and what it costs. */

// biome-ignore lint/suspicious/noExplicitAny: what is not typed right is what is tested
type Anything = any

/** Opens nothing until it is used. */
const pool = new pg.Pool({ host: '127.0.0.1', port: 1 })
const mysqlPool = mysql.createPool({ host: '127.0.0.1', port: 1 })
const callbackPool = mysqlCallback.createPool({ host: '127.0.0.1', port: 1 })
const connection = new Kysely<Anything>({ dialect: new PostgresDialect({ pool }) })
const mysqlConnection = new Kysely<Anything>({ dialect: new MysqlDialect({ pool: callbackPool }) })

async function messageOf(make: () => unknown): Promise<string> {
  return (await rejection((async () => make())(), 'E_INVALID_OPTION')).message
}

describe('`presence`', () => {
  test('is an option of every store on a server that shows how it connects', () => {
    const stores = [
      ...[pgStore({ pool, presence: true }), mysqlStore({ pool: mysqlPool, presence: true })],
      kyselyStore({ connection, pool, presence: true }),
      kyselyStore({ connection: mysqlConnection, pool: callbackPool, presence: true }),
    ]
    expect(stores.map(({ presence }) => presence !== undefined)).toEqual(stores.map(() => true))
  })

  test('is off by default', () => {
    const stores = [pgStore({ pool }), mysqlStore({ pool: mysqlPool, presence: false }), kyselyStore({ connection })]
    expect(stores.map(({ presence }) => presence)).toEqual(stores.map(() => undefined))
  })

  test.each([null, 0, 1, 'true', {}, []])('of %j is refused', async (presence: Anything) => {
    const rule = '`presence` must be true or false'
    expect(await messageOf(() => pgStore({ pool, presence }))).toContain(rule)
    expect(await messageOf(() => mysqlStore({ pool: mysqlPool, presence }))).toContain(rule)
    expect(await messageOf(() => kyselyStore({ connection, pool, presence }))).toContain(rule)
  })

  test('needs a pool that shows how it connects', async () => {
    const rule =
      '`presence` must be left out where the `pool` does not show how it connects, or none is given; got true'
    const query = (text: Anything) => pool.query(text) as Anything
    const execute = (text: Anything) => mysqlPool.execute(text) as Anything
    expect(await messageOf(() => pgStore({ pool: { query }, presence: true }))).toContain(rule)
    expect(await messageOf(() => mysqlStore({ pool: { execute }, presence: true }))).toContain(rule)
    expect(await messageOf(() => kyselyStore({ connection, presence: true }))).toContain(rule)
  })

  test('is nothing for what may lack locks of sessions', async () => {
    const rule = '`presence` must be left out where `portable` is true'
    expect(await messageOf(() => pgStore({ pool, presence: true, portable: true }))).toContain(rule)
    expect(await messageOf(() => mysqlStore({ pool: mysqlPool, presence: true, portable: true }))).toContain(rule)
    expect(await messageOf(() => kyselyStore({ connection, pool, presence: true, portable: true }))).toContain(rule)
  })

  test('that turns out to be for a database without is E_UNSUPPORTED at the first lock', async () => {
    const sqlite = new Kysely<Anything>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
    await migrateToLatest(sqlite)
    const locks = new LockFactory(kyselyStore({ connection: sqlite, pool, presence: true }))
    const error = await rejection(locks.createLock('k').acquire(), 'E_UNSUPPORTED')
    expect(error.message).toContain('leave `presence` out')
    await locks.close()
    await sqlite.destroy()
  })
})

for (const { name, family, url } of BACKENDS) {
  describe(name, () => {
    const tableName = uniqueTableName('present')
    const ends: (() => Promise<unknown>)[] = []
    afterEach(async () => {
      for (const end of ends.splice(0).reverse()) await end()
    })
    afterAll(() => dropTable(family, url, tableName))

    /** A store whose statements through the pool are counted. */
    function counted(presence: boolean, address = url) {
      const texts: string[] = []
      const note = (text: string) => {
        if (!text.includes('is_old')) texts.push(text)
      }
      let store: LockStore
      if (family === 'postgres') {
        const own = new pg.Pool({ connectionString: address })
        ends.push(() => own.end())
        const query = (asked: Anything) => {
          note(asked.text)
          return own.query(asked) as Anything
        }
        const shown = { query, options: own.options, Client: Reflect.get(own, 'Client') }
        store = pgStore({ pool: shown, tableName, presence, autoCreateTable: true })
      } else {
        const own = mysql.createPool({ uri: address })
        ends.push(() => own.end())
        const execute = (text: string, values: Anything) => {
          note(text)
          return own.execute(text, values)
        }
        store = mysqlStore({ pool: { execute, pool: own.pool }, tableName, presence, autoCreateTable: true })
      }
      const locks = new LockFactory(store)
      ends.push(() => locks.close())
      return { locks, texts, store }
    }

    test('costs two looks through the pool for the process, and nothing for a lock', async () => {
      const { locks, texts } = counted(true)
      const lock = locks.createLock('k')
      await lock.acquire()
      expect(texts.filter((text) => /is_used_lock|pg_locks/.test(text))).toHaveLength(2)
      await lock.release()
      texts.length = 0
      await lock.acquire()
      await lock.extend()
      await lock.release()
      expect(texts).toHaveLength(3)
    })

    test('goes with session locks, and with all else that the store without it has', async () => {
      const { locks, store } = counted(true)
      const without = counted(false).store
      for (const member of ['session', 'wakeSource', 'within'] as const) {
        if (without[member] !== undefined) expect(store[member], member).toBeDefined()
      }
      expect(await locks.createLock('s', { strategy: 'session' }).run(() => 1)).toEqual([true, 1])
    })

    test('costs nothing when it is off', async () => {
      const { locks, texts } = counted(false)
      await locks.createLock('k').run(() => {})
      await locks.createLock('k').acquire()
      await locks.createLock('k').acquireImmediately()
      expect(
        texts.filter((text) => /get_lock|is_used_lock|is_free_lock|pg_locks|pg_try_advisory_lock|present:/.test(text)),
      ).toEqual([])
    })

    test('through Kysely, with the pool', async () => {
      const app = openKysely(family, url, tableName)
      ends.push(() => app.end())
      const locks = new LockFactory(app.store)
      ends.push(() => locks.close())
      const lock = locks.createLock('kysely', '5m')
      expect(await lock.acquire()).toBe(true)
      await rejection((async () => lock.serialize())(), 'E_NOT_TRANSFERABLE')
      expect(await locks.createLock('kysely').acquireImmediately()).toBe(false)
      await lock.release()
    })

    test('a connection that cannot be opened is a storage error, and never a lock without a presence', async () => {
      const proxy = await TcpProxy.to(url)
      const app = openThrough(family, url, proxy.through(url), tableName)
      ends.push(() => app.end())
      const locks = new LockFactory(app.store)
      ends.push(() => locks.close())
      const error = await rejection(
        locks.createLock('down').acquire({ retry: { timeout: '10s' } }),
        'E_LOCK_STORAGE_ERROR',
      )
      expect(error.message).toMatch(/no connection could be opened|did not answer/)
      await proxy.up()
      ends.push(() => proxy.down())
      expect(await locks.createLock('down').acquire()).toBe(true)
    })
  })
}

function openKysely(family: 'postgres' | 'mysql', url: string, tableName: string) {
  if (family === 'postgres') {
    const own = new pg.Pool({ connectionString: url })
    const db = new Kysely<Anything>({ dialect: new PostgresDialect({ pool: own }) })
    return {
      store: kyselyStore({ connection: db, pool: own, tableName, presence: true, autoCreateTable: true }),
      end: () => db.destroy(),
    }
  }
  const own = mysqlCallback.createPool({ uri: url, supportBigNumbers: true, bigNumberStrings: true })
  const db = new Kysely<Anything>({ dialect: new MysqlDialect({ pool: own }) })
  return {
    store: kyselyStore({ connection: db, pool: own, tableName, presence: true, autoCreateTable: true }),
    end: () => db.destroy(),
  }
}

/** The pool goes to the server, the connections of the store's own by another way. */
function openThrough(family: 'postgres' | 'mysql', url: string, own: string, tableName: string) {
  if (family === 'postgres') {
    const direct = new pg.Pool({ connectionString: url })
    const store = pgStore({ pool: direct, tableName, presence: true, listen: { connectionString: own } })
    return { store, end: () => direct.end() }
  }
  const direct = mysql.createPool({ uri: url })
  const shown = mysql.createPool({ uri: own })
  const execute = (text: string, values: Anything) => direct.execute(text, values)
  const store = mysqlStore({ pool: { execute, pool: shown.pool }, tableName, presence: true })
  return {
    store,
    async end() {
      await direct.end()
      await shown.end()
    },
  }
}

async function dropTable(family: 'postgres' | 'mysql', url: string, tableName: string): Promise<void> {
  const { send, close } = await openBackDoor(family, url)
  for (const table of [tableName, `${tableName}_migrations`, `${tableName}_migrations_lock`]) {
    await send(`drop table if exists ${table}`)
  }
  await close()
}

async function openBackDoor(family: 'postgres' | 'mysql', url: string) {
  if (family === 'postgres') {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    return { send: (text: string) => client.query(text), close: () => client.end() }
  }
  const client = await mysql.createConnection(url)
  return { send: (text: string) => client.query(text), close: () => client.end() }
}

const postgres = BACKENDS.filter(({ family }) => family === 'postgres').at(-1)

describe.runIf(postgres)('Postgres by another way', () => {
  const direct = postgres?.url as string
  const tableName = uniqueTableName('pooled')

  afterAll(() => dropTable('postgres', direct, tableName))

  function locksOn(connectionString: string, listen?: { connectionString: string }): LockFactory {
    const own = new pg.Pool({ connectionString })
    const locks = new LockFactory(pgStore({ pool: own, tableName, presence: true, listen, autoCreateTable: true }))
    onTestFinished(async () => {
      await locks.close()
      await own.end()
    })
    return locks
  }

  const MODES = [
    { poolMode: 'transaction', settings: {} },
    { poolMode: 'transaction', settings: { server_round_robin: 1 } },
    { poolMode: 'session', settings: {} },
  ] as const
  test.each(MODES)('PgBouncer, %j', async ({ poolMode, settings }) => {
    const pgbouncer = await optionalServer('PgBouncer', () => startPgbouncer(direct, poolMode, { settings }))
    if (!pgbouncer) return
    onTestFinished(() => pgbouncer.stop())
    const lock = locksOn(pgbouncer.url).createLock('k')
    if (poolMode === 'session') return void expect(await lock.acquire()).toBe(true)
    const error = await rejection(lock.acquire(), 'E_SESSION_POOLED')
    expect(error.message).toContain("listen: { connectionString: 'postgres://…' }")
    // The connections of the server that it has used hold nothing of ours for long.
    expect(await locksOn(pgbouncer.url, { connectionString: direct }).createLock('k').acquire()).toBe(true)
  })

  test('to another database: nobody could see the presence there', async () => {
    const elsewhere = new URL(direct)
    elsewhere.pathname = '/postgres'
    const lock = locksOn(direct, { connectionString: elsewhere.href }).createLock('k')
    const error = await rejection(lock.acquire(), 'E_UNSUPPORTED')
    expect(error.message).toContain('lead to different servers or databases')
  })
})
