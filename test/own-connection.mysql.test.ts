import { inspect } from 'node:util'
import mysql from 'mysql2/promise'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { meaningOfMysqlError } from '../src/dialects/mysql/errors.ts'
import type { OwnConnection } from '../src/executors/executor.ts'
import { connectionBesideMysql2 } from '../src/store/beside-pool.ts'
import { BACKENDS } from './support/backends.ts'
import { resettingProxy } from './support/resetting-proxy.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

const ID = { name: 'id', sql: 'select connection_id() as id' }

for (const { name, url, version } of BACKENDS.filter(({ family }) => family === 'mysql')) {
  describe(name, () => {
    let admin: mysql.Pool
    let pool: mysql.Pool
    let own: OwnConnection
    const connect = (options: mysql.PoolOptions = {}) => {
      pool = mysql.createPool({ uri: url, connectionLimit: 1, ...options })
      own = connectionBesideMysql2(pool) as OwnConnection
    }
    const id = async (withinMs = 2_000) => Number((await own.execute(ID, [], withinMs)).rows[0]?.id)
    const meaningOf = (call: Promise<unknown>) =>
      call.then(
        () => 'answered',
        (error) => meaningOfMysqlError(error, 'extend'),
      )

    beforeEach(() => {
      admin = mysql.createPool({ uri: url, connectionLimit: 1 })
    })
    afterEach(async () => {
      await own.close()
      await pool.end()
      await admin.end()
    })

    test('the pool is left as it is: no connection, no listener, no setting of ours', async () => {
      connect()
      const core = pool.pool as unknown as {
        config: { connectionConfig: object }
        _allConnections: { length: number }
        eventNames(): string[]
      }
      const picture = () => ({
        config: Object.getOwnPropertyDescriptors(core.config),
        settings: Object.getOwnPropertyDescriptors(core.config.connectionConfig),
        events: core.eventNames(),
      })
      const before = picture()
      await id()
      expect(picture()).toEqual(before)
      expect((core.config.connectionConfig as { pool?: unknown }).pool).toBe(core)
      expect(core._allConnections.length).toBe(0)
    })

    test('it has the settings of the pool', async () => {
      connect({ charset: 'latin1', supportBigNumbers: true, bigNumberStrings: true })
      const { rows } = await own.execute(
        { sql: 'select @@character_set_client as c, 9007199254740993 as n' },
        [],
        2_000,
      )
      expect(rows).toEqual([{ c: 'latin1', n: '9007199254740993' }])
    })

    test('answers have the same shape as through the pool', async () => {
      connect()
      const statements = [
        'create temporary table beside (n int)',
        'insert into beside values (1), (2)',
        'do last_insert_id(7)',
      ]
      const counts: number[] = []
      for (const sql of statements) counts.push((await own.execute({ sql }, [], 2_000)).affectedRows)
      expect(counts).toEqual([0, 2, 0])
      expect((await own.execute({ sql: 'select ? as a' }, ['x'], 2_000)).rows).toEqual([{ a: 'x' }])
    })

    // MariaDB 10.11 has no certificate unless it is given one.
    test.runIf(!version.includes('MariaDB'))('with TLS, as the pool has it', async () => {
      connect({ ssl: { rejectUnauthorized: false } })
      const { rows } = await own.execute({ sql: "show status like 'Ssl_cipher'" }, [], 5_000)
      expect(rows[0]?.Value).not.toBe('')
      await own.close()
      expect(await id()).toBeGreaterThan(0)
    })

    test('a hundred calls at once share one session', async () => {
      connect()
      const ids = await Promise.all(Array.from({ length: 100 }, () => id()))
      expect(new Set(ids).size).toBe(1)
    })

    test('a session that the server ends is replaced, and its statement is unanswered', async () => {
      connect()
      const first = await id()
      const asleep = meaningOf(own.execute({ sql: 'select sleep(20)' }, [], 20_000))
      await admin.query('do sleep(0.1)')
      await admin.query(`kill ${first}`)
      expect(await asleep).toBe('unanswered')
      const second = await id()
      expect(second).not.toBe(first)
      // While nothing is sent: as after `wait_timeout`.
      await admin.query(`kill ${second}`)
      await expect.poll(() => id().catch(() => second)).not.toBe(second)
    })

    test('a session that was idle for too long is replaced', async () => {
      connect()
      await own.execute({ sql: 'set wait_timeout = 1' }, [], 2_000)
      const first = await id()
      await admin.query('do sleep(2.5)')
      expect(await id()).not.toBe(first)
    })

    test('no answer in time is `unanswered`, and the next statement goes on a new connection', async () => {
      const proxy = await TcpProxy.to(url)
      await proxy.up()
      connect({ uri: proxy.through(url) })
      await id()
      proxy.mute()
      const startMs = performance.now()
      const outcomes = await Promise.all([meaningOf(id(300)), meaningOf(id(60_000))])
      expect(outcomes).toEqual(['unanswered', 'unanswered'])
      expect(performance.now() - startMs).toBeLessThan(1_500)
      proxy.unmute()
      expect(await id()).toBeGreaterThan(0)
      await proxy.down()
    })

    test('no connection is `unreachable`, and no message says the password', async () => {
      const proxy = await TcpProxy.to(url)
      connect({ uri: proxy.through(url), password: 'hunter2' })
      const error = (await id().catch((error) => error)) as Error
      expect(meaningOfMysqlError(error, 'extend')).toBe('unreachable')
      expect(inspect(error, { showHidden: true })).not.toContain('hunter2')
      await own.close()
      await pool.end()
      connect({ password: 'hunter2' })
      const denied = (await id().catch((error) => error)) as Error
      expect(meaningOfMysqlError(denied, 'extend')).toBe('unreachable')
      expect(inspect(denied, { showHidden: true })).not.toContain('hunter2')
    })

    test('an opening is bounded, however patient its callers are', async () => {
      const proxy = await TcpProxy.to(url)
      await proxy.up()
      proxy.mute()
      connect({ uri: proxy.through(url), connectTimeout: 300 })
      const startMs = performance.now()
      expect(await meaningOf(id(60_000))).toBe('unreachable')
      expect(performance.now() - startMs).toBeLessThan(2_000)
      proxy.unmute()
      expect(await id()).toBeGreaterThan(0)
      await proxy.down()
    })

    test('a connection that is reset is replaced, whether something was sent or not', async () => {
      const proxy = await resettingProxy(url)
      connect({ uri: proxy.url })
      const first = await id()
      proxy.reset()
      await expect.poll(() => id().catch(() => first)).not.toBe(first)
      const asleep = meaningOf(own.execute({ sql: 'select sleep(20)' }, [], 20_000))
      await admin.query('do sleep(0.1)')
      proxy.reset()
      expect(await asleep).toBe('unanswered')
      expect(await id()).toBeGreaterThan(0)
      proxy.close()
    })

    test('close says goodbye', async () => {
      const proxy = await TcpProxy.to(url)
      await proxy.up()
      connect({ uri: proxy.through(url) })
      await id()
      const { requests } = proxy
      await own.close()
      await expect.poll(() => proxy.requests).toBe(requests + 1)
      await proxy.down()
    })

    test('close ends the session on the server, and says nothing; the next statement opens another', async () => {
      const warn = vi.spyOn(console, 'warn')
      connect()
      const first = await id()
      await own.close()
      const sessions = async () => {
        const [rows] = await admin.query<mysql.RowDataPacket[]>('show processlist')
        return rows.filter((row) => Number(row.Id) === first).length
      }
      await expect.poll(sessions).toBe(0)
      expect(await id()).not.toBe(first)
      expect(warn).not.toHaveBeenCalled()
    })

    test('close of a connection on a silent network does not wait for long', async () => {
      const proxy = await TcpProxy.to(url)
      await proxy.up()
      connect({ uri: proxy.through(url) })
      await id()
      proxy.mute()
      const startMs = performance.now()
      await own.close()
      expect(performance.now() - startMs).toBeLessThan(1_800)
      await proxy.down()
      await proxy.up()
      await proxy.down()
    })

    test('a pool that does not show its settings has no connection beside it', () => {
      connect()
      expect(connectionBesideMysql2({ execute: pool.execute })).toBeUndefined()
      const stream = mysql.createPool({ uri: url, stream: {} as never })
      expect(connectionBesideMysql2(stream)).toBeUndefined()
    })
  })
}

test.runIf(!BACKENDS.some(({ family }) => family === 'mysql'))(
  'nothing to test: no MySQL or MariaDB is selected',
  () => {},
)
