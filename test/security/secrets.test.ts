import { inspect } from 'node:util'
import { Kysely, MysqlDialect, PostgresDialect } from 'kysely'
import mysqlCallback from 'mysql2'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kyselyStore } from '../../src/drivers/kysely.ts'
import { pgStore } from '../../src/drivers/pg.ts'
import { type Lock, LockFactory, type LockStore, Verrou } from '../../src/index.ts'
import { BACKENDS } from '../support/backends.ts'
import type { OpenBackend, TableAddress } from '../support/contract-backend.ts'
import { directBackends } from '../support/contract-backends.ts'
import { mysqlBackend, pgBackend } from '../support/sql-backend.ts'

/** Everything that a log, a debugger or an error tracker may show of a value. */
function shown(value: unknown): string {
  const json = (() => {
    try {
      return JSON.stringify(value) ?? ''
    } catch {
      return ''
    }
  })()
  const stack = value instanceof Error ? `${value.stack}${value.message}` : ''
  return [inspect(value, { depth: 20, showHidden: true, maxStringLength: null }), json, String(value), stack].join('\n')
}

/** A secret, also as MySQL writes bytes into a text. */
function expectHidden(value: unknown, secrets: readonly string[]): void {
  const text = shown(value)
  for (const secret of secrets) {
    expect(text).not.toContain(secret)
    expect(text.toLowerCase()).not.toContain(Buffer.from(secret).toString('hex'))
  }
}

/** The owners and attempts of what a store is asked. */
function overheard(store: LockStore): { store: LockStore; secrets: Set<string> } {
  const secrets = new Set<string>()
  const note = (given: unknown) => {
    if (typeof given !== 'object' || given === null) return
    const { owner, attempt } = given as { owner?: string; attempt?: string }
    for (const secret of [owner, attempt]) if (secret) secrets.add(secret)
  }
  const proxy = new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        args.forEach(note)
        return member.apply(target, args)
      }
    },
  })
  return { store: proxy, secrets }
}

for (const backend of directBackends()) {
  describe(backend.name, () => {
    let open: OpenBackend
    let locks: LockFactory
    let secrets: Set<string>
    beforeAll(async () => {
      open = await backend.open()
      const heard = overheard(open.store())
      secrets = heard.secrets
      locks = new LockFactory(heard.store)
    })
    afterAll(async () => {
      await locks.close()
      await open.close()
    })

    test('no object shows an owner or an attempt; `serialize` and `getOwner` are the only doors', async () => {
      const lock = locks.createLock('secret:a')
      await lock.acquire()
      const hold = await locks.createLock('secret:b').hold()
      const restored = locks.restoreLock(lock.serialize())
      const verrou = new Verrou({ default: 'a', stores: { a: { driver: open.store() } } })
      await lock.extend()
      const [, context] = await locks.createLock('secret:c').run((given) => given)
      expect(secrets.size).toBeGreaterThan(4)
      const all = [...secrets, lock.getOwner()]
      for (const one of [lock, hold, hold.signal, restored, locks, open.store(), verrou, context, context?.signal]) {
        expectHidden(one, all)
      }
      expect(JSON.stringify(lock.serialize())).toContain(lock.getOwner())
      await hold.release()
      await lock.release()
    })

    test('no error shows one', async () => {
      const lock = locks.createLock('secret:d', 60_000)
      await lock.acquire()
      const mine = lock.serialize()
      const other = locks.createLock('secret:d')
      const errors = await Promise.all([
        caught(other.release()),
        caught(other.extend()),
        caught(other.hold({ retry: { attempts: 1 } })),
        caught(lock.extend(-1)),
        caught((async () => locks.restoreLock({ ...mine, token: -1 }))()),
        caught((async () => locks.restoreLock({ ...mine, key: '' }))()),
        caught((async () => locks.restoreLock(JSON.stringify(mine) as never))()),
        caught((async () => locks.restoreLock([mine] as never))()),
        caught((async () => locks.createLock(mine as never))()),
        caught((async () => locks.createLock('k', mine as never))()),
        caught(lock.acquire(mine as never)),
      ])
      const abortedWith = await lossOf(lock)
      for (const error of [...errors, abortedWith, await caught(lock.release()), await caught(lock.extend())]) {
        expect(error).toBeInstanceOf(Error)
        expectHidden(error, [...secrets, mine.owner])
      }
    })
  })
}

async function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it was no error'),
    (error) => error,
  )
}

/** What the signal of a hold says when it is taken away. */
async function lossOf(lock: Lock): Promise<unknown> {
  const result = caught(
    lock.release().then(() =>
      lock.run(async ({ lock: held, signal }) => {
        await lock.forceRelease()
        await caught(held.extend())
        return signal.reason
      }),
    ),
  )
  return result
}

/** What a driver says of a statement that the server refuses may contain the statement, or the row, with its secrets. */
for (const { name, family, url } of BACKENDS) {
  describe(`${name}: an error of the database`, () => {
    let open: OpenBackend
    let address: TableAddress
    beforeAll(async () => {
      open = await (family === 'postgres' ? pgBackend : mysqlBackend)(name, url).open()
      address = open.address as TableAddress
      await open.send(
        `alter table ${address.tableName} add constraint c_${address.tableName} check (held_by <> 'refused')`,
      )
    })
    afterAll(() => open.close())

    test('shows no owner and no attempt, through the driver itself', async () => {
      await expectNoSecretIn(open.store())
    })

    test('shows none through Kysely, either', async () => {
      const db = kyselyOn(address)
      await expectNoSecretIn(kyselyStore({ connection: db, tableName: address.tableName }))
      await db.destroy()
    })

    test('shows none in a transaction', async () => {
      const db = kyselyOn(address)
      const lock = await db.transaction().execute(async (trx) => {
        return new LockFactory(open.store(), { label: 'refused' }).within(trx).createLock('w')
      })
      const refused = db.transaction().execute(async (trx) => {
        await new LockFactory(open.store(), { label: 'refused' })
          .within(trx)
          .restoreLock(lock.serialize())
          .acquireImmediately()
      })
      expectHidden(await caught(refused), [lock.getOwner()])
      await db.destroy()
    })
  })
}

async function expectNoSecretIn(given: LockStore): Promise<void> {
  const { store, secrets } = overheard(given)
  const locks = new LockFactory(store, { label: 'refused' })
  const isLocked = await locks.createLock('x').isLocked()
  expect(isLocked).toBe(false)
  const error = await caught(locks.createLock('x').acquire())
  expect(secrets.size).toBe(2)
  expectHidden(error, [...secrets])
  await locks.close()
}

function kyselyOn({ family, url }: TableAddress): Kysely<unknown> {
  if (family === 'postgres')
    return new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max: 2 }) }) })
  return new Kysely({ dialect: new MysqlDialect({ pool: mysqlCallback.createPool({ uri: url, connectionLimit: 2 }) }) })
}

describe('the credentials of a connection string', () => {
  const password = 'hunter2-of-the-database'
  const url = `postgres://app:${password}@127.0.0.1:1/nowhere`

  test('are in no error, and in no object', async () => {
    const pool = new pg.Pool({ connectionString: url })
    const store = pgStore({ pool })
    const locks = new LockFactory(store)
    const error = await caught(locks.createLock('k').acquire({ retry: { timeout: 500 } }))
    for (const one of [error, store, locks, locks.createLock('k')]) expectHidden(one, [password])
    await locks.close()
    await pool.end()
  })

  test.each([
    ['pool', () => pgStore({ pool: url as never })],
    ['pool in an object', () => pgStore({ pool: { connectionString: url } as never })],
    ['listen', () => pgStore({ pool: { query: async () => ({ rows: [], rowCount: 0 }) }, listen: url as never })],
    ['connection', () => kyselyStore({ connection: url as never })],
    ['a store', () => new LockFactory(url as never)],
    ['stores', () => new Verrou({ default: 'a', stores: { a: { driver: { url } as never } } })],
  ])('are in no message when given as %s by mistake', async (_where, make) => {
    expectHidden(await caught((async () => make())()), [password])
  })
})
