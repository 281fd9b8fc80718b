import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { pgStore } from '../src/drivers/pg.ts'
import { pgExecutor } from '../src/executors/pg.ts'
import { pgConnection } from '../src/executors/pg-connection.ts'
import type { HearingConnection } from '../src/executors/reopening-connection.ts'
import { Listening } from '../src/store/listening.ts'
import type { WakeSource } from '../src/store/wake-source.ts'
import { isSelected } from './servers/selection.ts'
import { startPostgres } from './servers/start-postgres.ts'
import { BACKENDS } from './support/backends.ts'
import { runChild } from './support/child.ts'
import { fastClock } from './support/fast-clock.ts'
import { optionalServer } from './support/optional-server.ts'
import { uniqueTableName } from './support/table-name.ts'
import { TcpProxy } from './support/tcp-proxy.ts'
import { createDatabase } from './support/throwaway-database.ts'

/** A heartbeat comes after at most a second. */
const FASTER = 10
const PID = { sql: 'select pg_backend_pid() as pid' }

/** One process's listening, and what was heard. */
class Ear {
  readonly pool: pg.Pool
  readonly connection: HearingConnection
  readonly listening: Listening
  readonly troubles: string[] = []
  wakes = 0
  readonly unsubscribe: () => void

  constructor(url: string, channel: string, max = 2) {
    const clock = fastClock(FASTER)
    this.pool = new pg.Pool({ connectionString: url, max })
    this.pool.on('error', () => {})
    this.connection = pgConnection(this.pool, { connectionString: undefined, nameSuffix: null }, clock)
    const executor = pgExecutor(this.pool, null)
    this.listening = new Listening({ connection: this.connection, executor, channel, clock, chance: Math.random })
    this.listening.onTrouble(({ reason }) => this.troubles.push(reason))
    this.unsubscribe = this.listening.subscribe('key', () => {
      this.wakes++
    })
  }

  async hears(): Promise<void> {
    await expect.poll(() => this.listening.isHearing, { timeout: 10_000 }).toBe(true)
  }

  async isDeafFor(ms: number): Promise<void> {
    await expect.poll(() => this.listening.isHearing, { timeout: ms }).toBe(false)
  }

  async pid(): Promise<unknown> {
    return (await this.connection.execute(PID, [], 5_000 * FASTER)).rows[0]?.pid
  }

  async close(): Promise<void> {
    this.unsubscribe()
    await this.listening.close()
    await this.connection.close()
    await this.pool.end()
  }
}

for (const { name, url } of BACKENDS.filter(({ family }) => family === 'postgres')) {
  describe(name, () => {
    const channel = uniqueTableName('listening')
    let admin: pg.Pool
    let ear: Ear
    let proxy: TcpProxy
    const notify = (key: string) => admin.query('select pg_notify($1, $2)', [channel, key])
    beforeEach(async () => {
      admin = new pg.Pool({ connectionString: url, max: 2 })
      proxy = await TcpProxy.to(url)
      await proxy.up()
      ear = new Ear(proxy.through(url), channel)
    })
    afterEach(async () => {
      await ear.close()
      await admin.end()
      await proxy.down()
    })

    test('a notification wakes who waits for the key, within a moment', async () => {
      await ear.hears()
      expect(ear.wakes).toBe(1)
      const startMs = performance.now()
      await notify('other')
      await notify('key')
      await expect.poll(() => ear.wakes, { interval: 1 }).toBe(2)
      expect(performance.now() - startMs).toBeLessThan(500)
      await admin.query('select pg_notify($1, $2)', [`${channel}_other`, 'key'])
      await notify('key')
      await expect.poll(() => ear.wakes).toBe(3)
      expect(ear.troubles).toEqual([])
    })

    test('the server looks whether we are still there', async () => {
      await ear.hears()
      const settings = async () =>
        (await ear.connection.execute({ sql: "select current_setting('tcp_keepalives_idle') as idle" }, [], 20_000))
          .rows
      await expect.poll(settings).toEqual([{ idle: '30' }])
    })

    test('renewals go on the same connection meanwhile, and what comes in with their answers is heard', async () => {
      await ear.hears()
      const pid = await ear.pid()
      const renewals = Array.from({ length: 50 }, async () => {
        await notify('key')
        expect(await ear.pid()).toBe(pid)
      })
      await Promise.all(renewals)
      await expect.poll(() => ear.wakes).toBe(51)
    })

    test('a session that the server ends is replaced at once, and everybody is woken', async () => {
      await ear.hears()
      for (let times = 1; times <= 3; times++) {
        const pid = await ear.pid()
        await admin.query('select pg_terminate_backend($1)', [pid])
        await expect.poll(() => ear.wakes, { timeout: 5_000 }).toBe(2 * times)
        await ear.hears()
        expect(await ear.pid()).not.toBe(pid)
        await notify('key')
        await expect.poll(() => ear.wakes).toBe(2 * times + 1)
      }
      expect(ear.troubles).toEqual([])
    })

    test('a network that has fallen silent is noticed by the heartbeat', async () => {
      await ear.hears()
      const pid = await ear.pid()
      proxy.mute()
      await ear.isDeafFor(5_000)
      proxy.unmute()
      await ear.hears()
      expect(await ear.pid()).not.toBe(pid)
      const { wakes } = ear
      await notify('key')
      await expect.poll(() => ear.wakes).toBe(wakes + 1)
    })

    test('`discard all` is noticed by the heartbeat', async () => {
      await ear.hears()
      await ear.connection.execute({ sql: 'discard all' }, [], 50_000)
      await notify('key')
      await expect.poll(() => ear.wakes, { timeout: 5_000 }).toBe(2)
      await ear.hears()
      await notify('key')
      await expect.poll(() => ear.wakes).toBe(3)
    })

    test('a server that is down is told of once, and heard again when it is up', async () => {
      await ear.hears()
      await proxy.down()
      await ear.isDeafFor(1_000)
      await expect.poll(() => ear.troubles).toEqual(['disconnected'])
      const { wakes } = ear
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      expect([ear.troubles, ear.wakes]).toEqual([['disconnected'], wakes])
      await proxy.up()
      await ear.hears()
      await notify('key')
      await expect.poll(() => ear.wakes).toBe(wakes + 2)
    })

    test('a pool that is exhausted proves nothing, and nothing of ours waits in it twice', async () => {
      await ear.close()
      ear = new Ear(url, channel, 1)
      const busy = await ear.pool.connect()
      await ear.hears()
      await new Promise((resolve) => setTimeout(resolve, 2_000))
      expect([ear.listening.isHearing, ear.pool.waitingCount, ear.troubles]).toEqual([true, 1, []])
      await notify('key')
      await expect.poll(() => ear.wakes).toBe(2)
      busy.release()
      await expect.poll(() => ear.pool.waitingCount).toBe(0)
      await new Promise((resolve) => setTimeout(resolve, 2_000))
      expect([ear.listening.isHearing, ear.troubles]).toEqual([true, []])
    })

    test('when nobody waits any more, it listens no more, and the session goes', async () => {
      await ear.hears()
      const pid = await ear.pid()
      const isThere = async () => (await admin.query('select from pg_stat_activity where pid = $1', [pid])).rowCount
      ear.unsubscribe()
      await expect.poll(() => ear.listening.isHearing, { timeout: 5_000 }).toBe(false)
      await notify('key')
      expect([ear.wakes, await isThere()]).toEqual([1, 1])
      await expect.poll(isThere, { timeout: 10_000 }).toBe(0)
    })

    test('the store closes its connection, unless somebody waits; no listener stays on the pool', async () => {
      const pool = new pg.Pool({ connectionString: url, max: 1, application_name: channel })
      const store = pgStore({ pool, tableName: channel })
      const source = store.wakeSource as WakeSource
      const own = async () => {
        const sql = 'select from pg_stat_activity where application_name = $1'
        return (await admin.query(sql, [`${channel} (verrou-sql)`])).rowCount
      }
      expect(await own()).toBe(0)
      const end = source.subscribe('key', () => {})
      await expect.poll(() => source.isHearing, { timeout: 5_000 }).toBe(true)
      await store.close()
      expect([source.isHearing, await own()]).toEqual([true, 1])
      end()
      await store.close()
      await expect.poll(own).toBe(0)
      expect([source.isHearing, pool.eventNames()]).toEqual([false, []])
      const again = source.subscribe('key', () => {})
      await expect.poll(() => source.isHearing, { timeout: 5_000 }).toBe(true)
      again()
      await store.close()
      await pool.end()
    })

    test('a server that ends idle sessions leaves ours alone', async () => {
      const database = await createDatabase({ name, family: 'postgres', url, version: '' })
      const settings = new pg.Client({ connectionString: database.url })
      await settings.connect()
      const { rows } = await settings.query('select current_database() as database')
      await settings.query(`alter database "${rows[0].database}" set idle_session_timeout = '400ms'`)
      await settings.end()
      const pool = new pg.Pool({ connectionString: database.url, idleTimeoutMillis: 100 })
      pool.on('error', () => {})
      const store = pgStore({ pool })
      let wakes = 0
      const end = store.wakeSource?.subscribe('key', () => {
        wakes++
      })
      await expect.poll(() => store.wakeSource?.isHearing, { timeout: 5_000 }).toBe(true)
      const before = wakes
      // For every session that is opened anew, everybody is woken.
      await sleep(2_000)
      expect([store.wakeSource?.isHearing, wakes]).toEqual([true, before])
      end?.()
      await store.close()
      await pool.end()
      await database.drop()
    })

    test.each(['unsubscribe', 'stay subscribed', 'close'])('a process that hears ends by itself: %s', async (how) => {
      const startMs = performance.now()
      const { code, output } = await runChild('listening-worker.ts', [url, channel, how])
      expect(`${code} ${output}`).toBe(`0 woken, hearing: true\n${how === 'close' ? 'closed\n' : ''}done\n`)
      expect(performance.now() - startMs).toBeLessThan(8_000)
    })
  })
}

describe.runIf(isSelected('postgres'))('a server that restarts', () => {
  test('is listened to again', async (context) => {
    const server = await optionalServer('a Postgres of its own', () => startPostgres('postgres-18'))
    if (!server) return context.skip()
    const ear = new Ear(server.url, 'locks')
    const admin = new pg.Pool({ connectionString: server.url })
    admin.on('error', () => {})
    try {
      await ear.hears()
      // The server takes this for a crash, ends every session, and starts anew.
      const { rows } = await admin.query('select pg_backend_pid() as pid')
      process.kill(rows[0]?.pid, 'SIGKILL')
      await ear.isDeafFor(5_000)
      await ear.hears()
      const { wakes } = ear
      await admin.query("select pg_notify('locks', 'key')")
      await expect.poll(() => ear.wakes).toBe(wakes + 1)
      await server.stop()
      await expect.poll(() => ear.troubles.at(-1), { timeout: 5_000 }).toBe('disconnected')
    } finally {
      await ear.close()
      await admin.end().catch(() => {})
      await server.stop()
    }
  })
})

test.runIf(!BACKENDS.some(({ family }) => family === 'postgres'))('nothing to test: no Postgres is selected', () => {})
