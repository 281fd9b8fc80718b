import { DatabaseSync } from 'node:sqlite'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import mysqlCallback from 'mysql2'
import { describe, expect, test } from 'vitest'
import { sqliteStore } from '../src/drivers/better-sqlite3.ts'
import { kyselyStore } from '../src/drivers/kysely.ts'
import { memoryStore } from '../src/drivers/memory.ts'
import { mysqlStore } from '../src/drivers/mysql2.ts'
import { pgStore } from '../src/drivers/pg.ts'
import { LockFactory, type LockStore, Verrou } from '../src/index.ts'
import { createMigrations } from '../src/schema/migrations.ts'
import { instrument } from '../src/telemetry/otel.ts'
import { rejection } from './suite/rejection.ts'

/** A store that must not be asked: bad input is refused before anything is sent. */
const untouchable = new Proxy(memoryStore(), {
  get(_store, method) {
    if (method === 'close') return async () => {}
    if (method === 'presence') return undefined
    return () => expect.fail(`${String(method)} was sent`)
  },
}) as LockStore
const locks = new LockFactory(untouchable)

/** What the synchronous or asynchronous call must reject with; returns the message. */
async function messageOf(code: string, call: () => unknown): Promise<string> {
  return (await rejection((async () => call())(), code)).message
}

// biome-ignore lint/suspicious/noExplicitAny: what is not typed right is what is tested
type Anything = any

describe('a TTL', () => {
  const refused: Anything[] = [
    0,
    -0,
    -1,
    0.0001,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    2 ** 53,
    2 ** 53 / 1000 + 1,
    '',
    ' ',
    '1 parsec',
    '-1s',
    '0s',
    'abc',
    '1'.repeat(101),
    '1e400',
    {},
    [],
    [1],
    true,
    10n,
    Symbol('s'),
    () => 1,
    new Date(),
  ]
  for (const ttl of refused) {
    test(`of ${String(typeof ttl === 'object' ? JSON.stringify(ttl) : String(ttl)).slice(0, 20)} is refused`, async () => {
      const message = await messageOf('E_INVALID_DURATION', () => locks.createLock('k', ttl))
      expect(message).toMatch(/^`ttl` must be .*; got .+/)
      const lock = new LockFactory(memoryStore()).createLock('k')
      await lock.acquire()
      await rejection(lock.extend(ttl), 'E_INVALID_DURATION')
    })
  }

  test('may be a number, a string of ms, null, or left out', () => {
    for (const [ttl, ttlMs] of [
      [1, 1],
      [0.5, 0.5],
      ['1s', 1000],
      ['2 hours', 7_200_000],
      ['1.5m', 90_000],
      ['100', 100],
      [null, null],
      [undefined, 30_000],
      [2 ** 53 / 1000 - 1, 2 ** 53 / 1000 - 1],
    ] as const) {
      const given = locks.createLock('k', ttl as Anything).serialize().ttl
      if (ttlMs === null) expect(given).toBeNull()
      else expect(given).toBeCloseTo(ttlMs, 2)
    }
  })
})

describe('an option of acquire', () => {
  const refused: [name: string, options: Anything][] = [
    ...[0, -1, 1.5, Number.NaN, '3', null, {}].map((attempts): [string, Anything] => [
      'retry.attempts',
      { retry: { attempts } },
    ]),
    ...[-1, Number.NaN, Number.POSITIVE_INFINITY, 'soon', '', null, {}].map((delay): [string, Anything] => [
      'retry.delay',
      { retry: { delay } },
    ]),
    ...[-1, Number.NaN, Number.NEGATIVE_INFINITY, 'soon', '', {}].map((timeout): [string, Anything] => [
      'retry.timeout',
      { retry: { timeout } },
    ]),
    ['retry', { retry: 5 }],
    ['retry', { retry: null }],
    ['signal', { signal: {} }],
    ['signal', { signal: 1 }],
    ['options', 5],
    ['options', null],
  ]
  for (const [name, options] of refused) {
    test(`${JSON.stringify(options)} is refused, naming ${name}`, async () => {
      const lock = locks.createLock('k')
      for (const call of [() => lock.acquire(options), () => lock.run(() => 1, options), () => lock.hold(options)]) {
        const message = await messageOf('E_INVALID_OPTION', call)
        expect(message).toContain(`\`${name}\``)
        expect(message).toContain('; got ')
      }
    })
  }

  test('that does not exist is refused, with the names that do', async () => {
    const message = await messageOf('E_INVALID_OPTION', () =>
      locks.createLock('k').acquire({ retry: { attemps: 3 } } as Anything),
    )
    expect(message).toBe('unknown option "attemps" (string) in `retry`; known: `attempts`, `delay`, `timeout`')
  })

  test('may be 0 where 0 means something, Infinity or null where there is no bound, and undefined anywhere', async () => {
    const factory = new LockFactory(memoryStore())
    for (const retry of [
      { delay: 0 },
      { timeout: 0 },
      { timeout: null },
      { timeout: Number.POSITIVE_INFINITY },
      { attempts: Number.POSITIVE_INFINITY },
      { delay: '1s', timeout: '1s', attempts: 1 },
      { attempts: undefined, delay: undefined, timeout: undefined },
      undefined,
    ]) {
      expect(await factory.createLock(`k${Math.random()}`).acquire({ retry, signal: undefined })).toBe(true)
    }
  })

  test('of the factory is the default, of the call comes first', async () => {
    const store = memoryStore()
    await new LockFactory(store).createLock('k').acquire()
    const hurried = new LockFactory(store, { retry: { attempts: 2, delay: 1 } })
    expect(await hurried.createLock('k').acquire()).toBe(false)
    const startMs = performance.now()
    expect(await hurried.createLock('k').acquire({ retry: { attempts: Number.POSITIVE_INFINITY, timeout: 60 } })).toBe(
      false,
    )
    expect(performance.now() - startMs).toBeGreaterThan(40)
  })
})

describe('a callback', () => {
  for (const callback of [undefined, null, 1, 'f', {}] as Anything[]) {
    test(`${String(callback)} is refused before the lock is taken`, async () => {
      expect(await messageOf('E_INVALID_OPTION', () => locks.createLock('k').run(callback))).toContain('`callback`')
      await rejection(locks.createLock('k').runImmediately(callback), 'E_INVALID_OPTION')
    })
  }
})

describe('a table name', () => {
  const stores: ((options: Anything) => unknown)[] = [
    (options) => pgStore({ pool: { query: async () => expect.fail('sent') }, ...options }),
    (options) => mysqlStore({ pool: { execute: async () => expect.fail('sent') }, ...options }),
    (options) => sqliteStore({ database: new Database(':memory:'), ...options }),
    (options) =>
      kyselyStore({
        connection: new Kysely({ dialect: new SqliteDialect({ database: new Database(':memory:') }) }),
        ...options,
      }),
    (options) => createMigrations(options),
  ]
  for (const name of [
    '',
    'a.b',
    'a"b',
    'a`b',
    "a'b",
    'a b',
    '1a',
    'a;b',
    'a\0b',
    'a'.repeat(64),
    'é'.repeat(32),
    7,
    null,
    {},
  ] as Anything[]) {
    test(`${JSON.stringify(name)} is refused`, async () => {
      for (const store of stores) {
        expect(await messageOf('E_INVALID_OPTION', () => store({ tableName: name }))).toContain('`tableName`')
        expect(await messageOf('E_INVALID_OPTION', () => store({ schema: name }))).toContain('`schema`')
      }
    })
  }

  test('with a dot is told about the schema option', async () => {
    expect(await messageOf('E_INVALID_OPTION', () => stores[0]?.({ tableName: 'app.locks' }))).toContain('use `schema`')
  })
})

describe('a store', () => {
  const refused: [name: string, make: () => unknown][] = [
    ['options', () => pgStore(undefined as Anything)],
    ['pool', () => pgStore({} as Anything)],
    ['pool', () => pgStore({ pool: 'postgres://…' } as Anything)],
    ['prepare', () => pgStore({ pool: { query: async () => expect.fail() }, prepare: 1 } as Anything)],
    ['pool', () => mysqlStore({ pool: mysqlCallback.createPool({ host: '127.0.0.1' }) } as Anything)],
    ['database', () => sqliteStore({ database: 'file.db' } as Anything)],
    ['database', () => sqliteStore({ database: new DatabaseSync(':memory:') } as Anything)],
    ['connection', () => kyselyStore({ connection: {} } as Anything)],
    ['autoCreateTable', () => sqliteStore({ database: new Database(':memory:'), autoCreateTable: 'yes' } as Anything)],
    ['prefix', () => createMigrations({ prefix: 5 } as Anything)],
    ['store', () => new LockFactory({} as Anything)],
    ['store', () => new LockFactory(null as Anything)],
    ['label', () => new LockFactory(memoryStore(), { label: '' })],
    ['label', () => new LockFactory(memoryStore(), { label: 'x'.repeat(256) })],
    ['label', () => new LockFactory(memoryStore(), { label: 'a\0b' })],
    ['logger', () => new LockFactory(memoryStore(), { logger: 'pino' } as Anything)],
    ['leakWarnings', () => new LockFactory(memoryStore(), { leakWarnings: 1 } as Anything)],
    ['listener', () => new LockFactory(memoryStore()).on('lost', {} as Anything)],
    ['event', () => new LockFactory(memoryStore()).on('Lost' as Anything, () => {})],
    ['wrapper', () => new LockFactory(memoryStore()).wrapWork({} as Anything)],
    ['locks', () => instrument(memoryStore() as Anything)],
    ['keys', () => instrument(new LockFactory(memoryStore()), { keys: '*' } as Anything)],
    ['retry.attempts', () => new LockFactory(memoryStore(), { retry: { attempts: 0 } })],
    ['stores.a.driver', () => new Verrou({ default: 'a', stores: { a: { driver: {} } } } as Anything)],
    ['stores', () => new Verrou({ default: 'a' } as Anything)],
  ]
  for (const [index, [name, make]] of refused.entries()) {
    test(`is not made of what cannot work (${index}: ${name})`, async () => {
      expect(await messageOf('E_INVALID_OPTION', make)).toContain(`\`${name}\` must be`)
    })
  }

  test('or an option that is unknown, or a store of no such name, is refused', async () => {
    expect(await messageOf('E_INVALID_OPTION', () => memoryStore({ now: 1 } as Anything))).toContain(
      'unknown option "now"',
    )
    const verrou = new Verrou({ default: 'a', stores: { a: { driver: memoryStore() } } })
    expect(await messageOf('E_INVALID_OPTION', () => verrou.use('b' as Anything))).toContain('the stores are `a`')
    expect(
      await messageOf(
        'E_INVALID_OPTION',
        () => new Verrou({ default: 'b', stores: { a: { driver: memoryStore() } } } as Anything),
      ),
    ).toContain('no store "b"')
  })

  test('takes a transaction for no connection', async () => {
    const db = new Kysely<Anything>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
    await db.transaction().execute(async (trx) => {
      expect(await messageOf('E_INVALID_OPTION', () => kyselyStore({ connection: trx }))).toContain('not a transaction')
    })
  })

  test('reads deep-frozen options, and writes to nothing that it is given', async () => {
    const freeze = <const T extends object>(given: T): T => {
      for (const value of Object.values(given))
        if (value && Object.getPrototypeOf(value) === Object.prototype) freeze(value)
      return Object.freeze(given)
    }
    const verrou = new Verrou(
      freeze({ default: 'm', stores: { m: { driver: memoryStore(freeze({})) } }, retry: { attempts: 2 }, label: 'me' }),
    )
    const lock = verrou.createLock('k')
    expect(await lock.acquire(freeze({ retry: { timeout: 10 } }))).toBe(true)
    expect(verrou.restoreLock(freeze(lock.serialize())).getOwner()).toBe(lock.getOwner())
    await verrou.close()
  })
})

describe('a serialized lock', () => {
  const good = { key: 'k', owner: 'owner-of-the-lock', ttl: 1000, expirationTime: 1_700_000_000_000, token: 5 }
  const { key, owner, ttl, expirationTime, token } = good
  const refused: Anything[] = [
    undefined,
    null,
    'text',
    JSON.stringify(good),
    5,
    [],
    [good],
    {},
    { owner, ttl, expirationTime, token },
    { key, ttl, expirationTime, token },
    { key, owner, expirationTime, token },
    { key, owner, ttl, token },
    { ...good, key: '' },
    { ...good, key: 5 },
    { ...good, key: 'a\0' },
    { ...good, owner: '' },
    { ...good, owner: 5 },
    { ...good, owner: 'o'.repeat(256) },
    { ...good, owner: 'a\0' },
    { ...good, ttl: 0 },
    { ...good, ttl: '1 parsec' },
    { ...good, ttl: {} },
    { ...good, expirationTime: 'x' },
    { ...good, expirationTime: Number.NaN },
    { ...good, expirationTime: -1 },
    { ...good, token: 0 },
    { ...good, token: -1 },
    { ...good, token: 1.5 },
    { ...good, token: '5' },
    { ...good, token: 2 ** 53 },
  ]
  for (const [index, serialized] of refused.entries()) {
    test(`that is malformed is refused (${index})`, async () => {
      const message = await messageOf('E_INVALID_SERIALIZED_LOCK', () => locks.restoreLock(serialized))
      expect(message).toMatch(/^the serialized lock /)
      expect(message).not.toContain(owner)
    })
  }

  test('in the forms of this library and of Verrou is taken', () => {
    for (const one of [
      good,
      { key, owner, ttl, expirationTime },
      { ...good, ttl: null, expirationTime: null },
      { ...good, expirationTime: null, token: null },
    ]) {
      expect(locks.restoreLock(one).key).toBe('k')
    }
  })
})

describe('a transaction', () => {
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
  const store = sqliteStore({ database: new Database(':memory:') })
  const refused: [what: string, given: Anything, message: RegExp][] = [
    ['nothing', undefined, /transaction/],
    ['null', null, /transaction/],
    ['a string', 'begin', /transaction/],
    ['the Kysely instance', db, /Kysely instance itself/],
    ['a client of another library', { query() {} }, /fromKnex/],
    ['a function', () => 1, /fromKnex/],
    ['half a transaction', { execute() {} }, /transaction/],
    ['another half', { handle: {} }, /transaction/],
  ]
  for (const [what, given, message] of refused) {
    test(`that is ${what} is refused`, async () => {
      const factory = new LockFactory(store)
      expect(await messageOf('E_INVALID_OPTION', () => factory.within(given))).toMatch(message)
      expect(await messageOf('E_INVALID_OPTION', () => factory.createLock('k').guard(given))).toMatch(message)
    })
  }

  test('is begun by something that can', async () => {
    const lock = new LockFactory(store).createLock('k')
    for (const given of [undefined, null, {}, 'db', { handle: {}, execute: 5 }] as Anything[]) {
      await messageOf('E_INVALID_OPTION', () => lock.transaction(given, async () => {}))
    }
    await messageOf('E_INVALID_OPTION', () => lock.transaction(db, 'work' as Anything))
    await db.transaction().execute(async (trx) => {
      await messageOf('E_INVALID_OPTION', () => lock.transaction(trx as Anything, async () => {}))
    })
  })
})
