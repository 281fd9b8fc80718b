import Database from 'better-sqlite3'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import pg from 'pg'
import { expect, test } from 'vitest'
import { sqliteStore } from '../src/drivers/better-sqlite3.ts'
import { kyselyStore } from '../src/drivers/kysely.ts'
import { memoryStore } from '../src/drivers/memory.ts'
import { pgStore } from '../src/drivers/pg.ts'
import { LockFactory, type SessionLockOptions, Verrou } from '../src/index.ts'
import { rejection } from './suite/rejection.ts'

const session = { strategy: 'session' } as const
// Nothing is sent: nobody need be there.
const pool = new pg.Pool({ connectionString: 'postgres://nobody@127.0.0.1:1/nothing' })
const locks = new LockFactory(pgStore({ pool }))

const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

test.each<[string, object, RegExp]>([
  ['a TTL with it', { strategy: 'session', ttl: '30s' }, /`ttl` must be left out with `strategy`/],
  ['another strategy', { strategy: 'lease' }, /`strategy` must be 'session'.*createLock\(key, ttl\)/],
  ['none', { strategy: undefined }, /`strategy` must be 'session'/],
  ['an unknown option', { strategy: 'session', keepAlive: true }, /unknown option "keepAlive"/],
])('%s is refused', (_what, given, message) => {
  expect(() => locks.createLock('k', given as SessionLockOptions)).toThrow(refused('E_INVALID_OPTION', message))
})

test('what is no strategy is no duration', () => {
  for (const given of [{}, [], Proxy.revocable({}, {}).proxy]) {
    expect(() => locks.createLock('k', given as SessionLockOptions)).toThrow(refused('E_INVALID_DURATION', /./))
  }
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  expect(() => locks.createLock('k', proxy as SessionLockOptions)).toThrow(refused('E_INVALID_DURATION', /./))
})

test('bad keys, callbacks and options', async () => {
  expect(() => locks.createLock('', session)).toThrow(refused('E_INVALID_KEY', /./))
  const lock = locks.createLock('k', session)
  await rejection(lock.run('work' as never), 'E_INVALID_OPTION')
  await rejection(lock.acquire({ retry: { attempts: 0 } }), 'E_INVALID_OPTION')
  for (const option of ['keepAlive', 'maxHold', 'ttl']) {
    await rejection(
      lock.run(() => {}, { [option]: 1 }),
      'E_INVALID_OPTION',
    )
  }
})

test('stores without a session of a server say what to do', () => {
  const database = new Database(':memory:')
  const without = [
    memoryStore(),
    sqliteStore({ database }),
    kyselyStore({ connection: new Kysely({ dialect: new SqliteDialect({ database }) }) }),
    kyselyStore({ connection: new Kysely({ dialect: new PostgresDialect({ pool }) }) }),
    pgStore({ pool: { query: () => Promise.reject(new Error('nobody asks')) } }),
  ]
  for (const store of without) {
    const message = /pgStore.*mysqlStore.*kyselyStore.*pool.*createLock\(key, ttl\)/
    expect(() => new LockFactory(store).createLock('k', session)).toThrow(refused('E_UNSUPPORTED', message))
  }
})

test('portable words have none', async () => {
  const error = await rejection(
    new LockFactory(pgStore({ pool, portable: true })).createLock('k', session).acquire(),
    'E_UNSUPPORTED',
  )
  expect(error.message).toMatch(/portable.*createLock\(key, ttl\)/)
})

test('in a transaction of the caller there is something else', () => {
  const within = locks.within({ isTransaction: true, withoutPlugins: () => ({ executeQuery: () => {} }) } as never)
  expect(() => within.createLock('k', session as never)).toThrow(refused('E_UNSUPPORTED', /lockUntilCommit/))
})

test('a Verrou makes them, too, and a name that compiles is needed', async () => {
  const verrou = new Verrou({ default: 'pg', stores: { pg: { driver: pgStore({ pool }) } } })
  expect(verrou.createLock('k', session).key).toBe('k')
  // @ts-expect-error
  expect(() => verrou.createLock('k', { strategy: 'sessions' })).toThrow(refused('E_INVALID_OPTION', /strategy/))
  await verrou.close()
})
