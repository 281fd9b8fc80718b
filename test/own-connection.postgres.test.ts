import { inspect } from 'node:util'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { meaningOfPostgresError } from '../src/dialects/postgres/errors.ts'
import { pgStore } from '../src/drivers/pg.ts'
import type { OwnConnection } from '../src/executors/executor.ts'
import { pgConnection } from '../src/executors/pg-connection.ts'
import { connectionBesidePg, type Listen } from '../src/store/beside-pool.ts'
import { BACKENDS } from './support/backends.ts'
import { fastClock } from './support/fast-clock.ts'
import { resettingProxy } from './support/resetting-proxy.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

const PID = { name: 'pid', sql: 'select pg_backend_pid() as pid' }
const PREPARED = { sql: 'select name from pg_prepared_statements' }

for (const { name, url } of BACKENDS.filter(({ family }) => family === 'postgres')) {
  describe(name, () => {
    let admin: pg.Pool
    let pool: pg.Pool
    let own: OwnConnection
    const connect = (options: pg.PoolConfig = {}, nameSuffix: string | null = 'test', listen?: Listen) => {
      pool = new pg.Pool({ connectionString: url, max: 1, ...options })
      own = connectionBesidePg({ pool, listen, nameSuffix }) as OwnConnection
    }
    const pid = async (withinMs = 2_000) => (await own.execute(PID, [], withinMs)).rows[0]?.pid
    const meaningOf = (call: Promise<unknown>) =>
      call.then(
        () => 'answered',
        (error) => meaningOfPostgresError(error),
      )

    beforeEach(() => {
      admin = new pg.Pool({ connectionString: url, max: 1 })
    })
    afterEach(async () => {
      await own.close()
      await pool.end()
      await admin.end()
    })

    test('the pool is left as it is: no connection, no listener, no option of ours', async () => {
      connect({ application_name: 'app' })
      const before = { options: Object.getOwnPropertyDescriptors(pool.options), events: pool.eventNames() }
      await pid()
      expect({ options: Object.getOwnPropertyDescriptors(pool.options), events: pool.eventNames() }).toEqual(before)
      expect(pool.totalCount).toBe(0)
    })

    test('it has the settings of the pool, and a name of its own', async () => {
      connect({ application_name: 'app', options: '-c search_path=nowhere' })
      const { rows } = await own.execute(
        { sql: "select current_setting('application_name') as name, current_setting('search_path') as path" },
        [],
        2_000,
      )
      expect(rows).toEqual([{ name: 'app (verrou-sql)', path: 'nowhere' }])
    })

    test('a pool that is made of parts, with the password hidden, is understood as well', async () => {
      const { hostname: host, port, username: user, password, pathname } = new URL(url)
      const parts = { host, port: Number(port), user, password: password || 'unused', database: pathname.slice(1) }
      connect({ connectionString: undefined as never, ...parts })
      expect(await pid()).toBeTypeOf('number')
    })

    test('with an address of its own it goes there', async () => {
      const proxy = await TcpProxy.to(url)
      await proxy.up()
      connect({ connectionString: proxy.through(url) }, null, { connectionString: url })
      expect(await pid()).toBeTypeOf('number')
      expect(proxy.requests).toBe(0)
      await proxy.down()
    })

    test('statements are prepared by name, or not at all', async () => {
      connect()
      await pid()
      expect((await own.execute(PREPARED, [], 2_000)).rows).toEqual([
        { name: expect.stringMatching(/^verrou-pid-test-/) },
      ])
      await own.close()
      await pool.end()
      connect({}, null)
      await pid()
      expect((await own.execute(PREPARED, [], 2_000)).rows).toEqual([])
    })

    test('a hundred calls at once share one session', async () => {
      connect()
      const pids = await Promise.all(Array.from({ length: 100 }, () => pid()))
      expect(new Set(pids).size).toBe(1)
    })

    test('the option `onConnect` of the pool is followed, if the driver knows it', async () => {
      const onConnect = (client: pg.ClientBase) => client.query("set search_path = 'elsewhere'")
      connect({ onConnect } as pg.PoolConfig)
      const { rows } = await own.execute({ sql: 'show search_path' }, [], 2_000)
      expect(rows).toEqual([{ search_path: 'elsewhere' }])
    })

    test('a session that the server ends is replaced, and its statement is unanswered', async () => {
      connect()
      const first = await pid()
      const asleep = meaningOf(own.execute({ sql: 'select pg_sleep(20)' }, [], 20_000))
      await admin.query('select pg_sleep(0.1)')
      await admin.query('select pg_terminate_backend($1)', [first])
      expect(await asleep).toBe('unanswered')
      expect(await pid()).not.toBe(first)
      await admin.query('select pg_terminate_backend($1)', [await pid()])
      await expect.poll(() => pid().catch(() => undefined)).toBeTypeOf('number')
    })

    test('no answer in time is `unanswered`, and the next statement goes on a new connection', async () => {
      const proxy = await TcpProxy.to(url)
      await proxy.up()
      connect({ connectionString: proxy.through(url) })
      await pid()
      proxy.mute()
      const startMs = performance.now()
      const outcomes = await Promise.all([meaningOf(pid(300)), meaningOf(pid(60_000))])
      expect(outcomes).toEqual(['unanswered', 'unanswered'])
      expect(performance.now() - startMs).toBeLessThan(1_500)
      proxy.unmute()
      expect(await pid()).toBeTypeOf('number')
      await proxy.down()
    })

    test('no connection is `unreachable`, and no message says the password', async () => {
      const proxy = await TcpProxy.to(url)
      const secret = new URL(proxy.through(url))
      secret.password = 'hunter2'
      connect({ connectionString: secret.href })
      const error = (await pid().catch((error) => error)) as Error
      expect(meaningOfPostgresError(error)).toBe('unreachable')
      expect(inspect(error, { showHidden: true })).not.toContain('hunter2')
      await own.close()
      await pool.end()

      secret.username = 'nobody_of_that_name'
      secret.host = new URL(url).host
      connect({ connectionString: secret.href })
      expect(await meaningOf(pid())).toBe('unreachable')
      await own.close()
      await pool.end()

      connect({}, null, { connectionString: 'postgres://me:hunter2@[:1/x' })
      const unreadable = (await pid().catch((error) => error)) as Error
      expect(meaningOfPostgresError(unreadable)).toBe('unreachable')
      expect(inspect(unreadable, { showHidden: true })).not.toContain('hunter2')
    })

    test('a server that takes connections and says nothing is given up after a while', async () => {
      const proxy = await TcpProxy.to(url)
      await proxy.up()
      proxy.mute()
      connect({ connectionString: proxy.through(url) })
      const startMs = performance.now()
      expect(await meaningOf(pid(1_000))).toBe('unreachable')
      expect(performance.now() - startMs).toBeLessThan(900)
      proxy.unmute()
      expect(await pid()).toBeTypeOf('number')
      await proxy.down()
    })

    test('an opening is bounded, however patient its callers are', async () => {
      const proxy = await TcpProxy.to(url)
      await proxy.up()
      proxy.mute()
      connect({ connectionString: proxy.through(url) })
      own = pgConnection(pool, { connectionString: undefined, nameSuffix: null }, fastClock(20))
      const startMs = performance.now()
      const error = (await pid(200_000).catch((error) => error)) as Error
      expect([meaningOfPostgresError(error), error.message]).toEqual([
        'unreachable',
        'no connection could be opened: no answer within 10000 ms',
      ])
      expect(performance.now() - startMs).toBeLessThan(2_000)
      proxy.unmute()
      expect(await pid(100_000)).toBeTypeOf('number')
      await proxy.down()
    })

    test('a connection that is reset is replaced, whether something was sent or not', async () => {
      const proxy = await resettingProxy(url)
      connect({ connectionString: proxy.url })
      const first = await pid()
      proxy.reset()
      await expect.poll(() => pid().catch(() => first)).not.toBe(first)
      const asleep = meaningOf(own.execute({ sql: 'select pg_sleep(20)' }, [], 20_000))
      await admin.query('select pg_sleep(0.1)')
      proxy.reset()
      expect(await asleep).toBe('unanswered')
      expect(await pid()).toBeGreaterThan(0)
      proxy.close()
    })

    test('close says goodbye', async () => {
      const proxy = await TcpProxy.to(url)
      await proxy.up()
      connect({ connectionString: proxy.through(url) })
      await pid()
      const { requests } = proxy
      await own.close()
      await expect.poll(() => proxy.requests).toBe(requests + 1)
      await proxy.down()
    })

    test('close ends the session on the server; the next statement opens another', async () => {
      connect({ application_name: 'closing' })
      const first = await pid()
      await own.close()
      const isThere = async (pid: unknown) =>
        (await admin.query('select from pg_stat_activity where pid = $1', [pid])).rowCount
      await expect.poll(() => isThere(first)).toBe(0)
      expect(await pid()).not.toBe(first)
    })

    test('close of a connection on a silent network does not wait for long', async () => {
      const proxy = await TcpProxy.to(url)
      await proxy.up()
      connect({ connectionString: proxy.through(url) })
      await pid()
      proxy.mute()
      const startMs = performance.now()
      await own.close()
      expect(performance.now() - startMs).toBeLessThan(1_800)
      await proxy.down()
    })

    test('a pool that does not show its settings has no connection beside it', async () => {
      connect()
      expect(connectionBesidePg({ pool: { query: pool.query }, listen: undefined, nameSuffix: null })).toBeUndefined()
      expect(pgStore({ pool: { query: (query) => pool.query(query) } }).wakeSource).toBeUndefined()
      const stream = new pg.Pool({ stream: (() => undefined) as never })
      expect(connectionBesidePg({ pool: stream, listen: undefined, nameSuffix: null })).toBeDefined()
    })
  })
}

test.runIf(!BACKENDS.some(({ family }) => family === 'postgres'))('nothing to test: no Postgres is selected', () => {})
