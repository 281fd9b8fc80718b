import { describe, expect, onTestFinished, test } from 'vitest'
import { mysqlStore } from '../src/drivers/mysql2.ts'
import { pgStore } from '../src/drivers/pg.ts'
import { contract } from './suite/contract.ts'
import { suiteContext } from './suite/suite-context.ts'
import { requestFor, take } from './suite/taking.ts'
import { ONE_OF_EACH } from './support/backends.ts'
import type { ContractBackend } from './support/contract-backend.ts'
import { lackingBackend } from './support/lacking-backend.ts'
import { openTransaction } from './support/open-transaction.ts'
import { serverAddress } from './support/server-address.ts'
import { kyselyBackend, mysqlBackend } from './support/sql-backend.ts'
import { sendPostgres } from './support/throwaway-database.ts'

const PORTABLE = '?portable=true'
/** Not those that are named by a URL with that: for them, test/contract.drivers.test.ts is portable. */
const OURS = ONE_OF_EACH.filter(({ url }) => serverAddress(url).portable === undefined)

/** Only what the drivers send is broken then. */
const isBroken = process.env.VERROU_MUTANT !== undefined

for (const server of OURS.filter(({ family }) => family === 'postgres')) {
  const backends = [lackingBackend(server, 'pg'), ...(isBroken ? [] : [lackingBackend(server, 'kysely')])]
  for (const backend of backends) {
    contract(backend)
    conditions(backend)
  }
}

for (const { name, url } of OURS.filter(({ family }) => family === 'mysql')) {
  // To Kysely, MariaDB is the same.
  const ofKysely = isBroken || name === 'mariadb' ? [] : [kyselyBackend(name, 'mysql', url + PORTABLE)]
  for (const backend of [mysqlBackend(name, url + PORTABLE), ...ofKysely]) {
    const portable = { ...backend, name: `portable ${backend.name}` }
    contract(portable)
    conditions(portable)
  }
}

/** What the contract only asks of the statements that are not portable, by the names of their backends. */
function conditions(backend: ContractBackend): void {
  describe(backend.name, () => {
    const context = suiteContext(backend)
    const column = backend.family === 'mysql' ? '`key`' : 'key'
    const tableName = () => context.open.address?.tableName ?? expect.fail('it has no address')
    const openOther = async () => {
      const other = await openTransaction(context.open.address ?? expect.fail('it has no address'))
      onTestFinished(() => other.end('rollback').catch(() => {}))
      return other
    }
    const isKysely = /\(kysely\)/.test(backend.name)

    test.runIf(backend.family === 'postgres')('the database lacks features', async () => {
      for (const call of [
        "pg_notify('a', 'b')",
        "set_config('synchronous_commit', 'off', true)",
        'pg_try_advisory_xact_lock(1)',
        'pg_advisory_xact_lock(1)',
      ]) {
        const { url } = context.open.address ?? expect.fail('it has no address')
        await expect(sendPostgres(serverAddress(url).url, `select ${call}`)).rejects.toThrow(/permission denied/)
      }
    })

    test('of many tries at once, one at most is granted, with a higher token each time', async () => {
      const stores = [context.open.store(), context.open.store(), context.open.store(), context.open.store()]
      for (const isNew of [true, false]) {
        const key = context.key()
        let last = 0
        let grants = 0
        for (let round = 0; round < 30; round++) {
          const requests = stores.flatMap((store) =>
            [1, 2].map(() => ({ store, request: requestFor(isNew ? `${key}:${round}` : key) })),
          )
          const outcomes = await Promise.all(requests.map(({ store, request }) => store.tryAcquire(request)))
          const granted = requests.flatMap(({ store, request }, n) => {
            const outcome = outcomes[n]
            return outcome?.granted
              ? [{ store, hold: { key: request.key, owner: request.owner, token: outcome.token } }]
              : []
          })
          expect(granted.length).toBeLessThanOrEqual(1)
          for (const { store, hold } of granted) {
            expect(hold.token).toBeGreaterThan(last)
            last = hold.token
            grants++
            expect(await store.release(hold)).toBe(true)
          }
        }
        expect(grants).toBeGreaterThan(20)
      }
    })

    test.skipIf(isKysely)('a try of a key changes no other, however much their rows look alike', async () => {
      const store = context.open.store()
      const [one, two] = [await take(store, requestFor(context.key())), await take(store, requestFor(context.key()))]
      for (const { key } of [one, two]) {
        await context.open.send(
          `update ${tableName()} set token = 5, expires_at = 5, acquired_at = 5 where ${column} = '${key}'`,
        )
      }
      await take(store, requestFor(one.key))
      expect(await store.inspect(two.key)).toMatchObject({ owner: two.owner, token: 5 })
    })

    test.skipIf(isKysely)('a mark needs an owner', async () => {
      const store = context.open.store()
      const hold = await take(store, requestFor(context.key()))
      await context.open.send(`update ${tableName()} set owner = null where ${column} = '${hold.key}'`)
      expect(await store.want(hold.key)).toBe('free')
    })

    test.skipIf(isKysely)(
      'a key that an open transaction has locked is refused, and the holder can go on',
      async () => {
        const store = context.open.store()
        const hold = await take(store, requestFor(context.key()))
        const beside = await take(store, requestFor(context.key()))
        const free = await take(store, requestFor(context.key()))
        await store.release(free)
        const other = await openOther()
        for (const { key } of [hold, free]) {
          await other.send(`update ${tableName()} set held_by = 'somebody' where ${column} = '${key}'`)
        }
        const startMs = performance.now()
        expect(await store.tryAcquire(requestFor(free.key))).toMatchObject({ granted: false, isUncertain: true })
        await expect(store.extend(hold, 60_000_000)).rejects.toMatchObject({ isRowLocked: true })
        await expect(store.handOver(hold, requestFor(hold.key))).rejects.toMatchObject({ isRowLocked: true })
        expect(await store.want(hold.key)).not.toBe('marked')
        const renewals = [hold, beside].map((one) => ({ hold: one, ttlUs: 60_000_000 }))
        expect(await store.extendAll(renewals, 5_000)).toEqual([
          { kind: 'held' },
          { kind: 'renewed', atUs: expect.any(Number) },
        ])
        expect(performance.now() - startMs).toBeLessThan(5_000)
        await other.end('rollback')
        expect(await store.extend(hold, 60_000_000)).not.toBeNull()
      },
    )

    test.skipIf(isKysely)('a try of a key that an open transaction is creating is refused in the end', async () => {
      const request = requestFor(context.key())
      const other = await openOther()
      await other.send(
        `insert into ${tableName()} (${column}, token, expires_at, acquired_at) values ('${request.key}', 1, 1, 1)`,
      )
      expect(await context.open.store().tryAcquire(request)).toMatchObject({ granted: false, isUncertain: true })
      await other.end('commit')
      expect(await context.open.store().tryAcquire(request)).toMatchObject({ granted: true })
    })
  })
}

test.each([
  ['pg', () => pgStore({ pool: { query: () => expect.fail() } as never, portable: 'yes' as never })],
  ['mysql2', () => mysqlStore({ pool: { execute: () => expect.fail() } as never, portable: 1 as never })],
])('%s: `portable` is true or false', (_driver, make) => {
  expect(make).toThrow(/`portable` must be true or false; got/)
})

test('nothing is heard of portable releases, so listening is refused', () => {
  const pool = { query: () => expect.fail(), options: {}, Client: class {} } as never
  expect(() => pgStore({ pool, portable: true, listen: true })).toThrow(
    /`listen` must be left out where `portable` is true/,
  )
  expect(pgStore({ pool, portable: true }).wakeSource).toBeUndefined()
  expect(pgStore({ pool, portable: true, listen: false }).wakeSource).toBeUndefined()
  expect(pgStore({ pool }).wakeSource).toBeDefined()
})

test.runIf(OURS.length === 0)('nothing to test: no server is selected', () => {})
