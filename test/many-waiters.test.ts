import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LockFactory } from '../src/index.ts'
import { isSelected } from './servers/selection.ts'
import { startPostgres } from './servers/start-postgres.ts'
import { BACKENDS } from './support/backends.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { tableBackends } from './support/contract-backends.ts'
import { optionalServer } from './support/optional-server.ts'
import { type RunningChild, startChild } from './support/running-child.ts'
import { pgBackend } from './support/sql-backend.ts'
import { TcpProxy } from './support/tcp-proxy.ts'
import { createDatabase, type ThrowawayDatabase } from './support/throwaway-database.ts'

const PROCESSES = 4

interface Served {
  readonly tokens: number[]
  readonly failures: string[]
}

/** That many waiters in each of four processes, for one key that somebody holds. They are all waiting when this returns. */
async function startWaiters(address: unknown, key: string, waiters: number, workMs: number): Promise<RunningChild[]> {
  const args = [JSON.stringify(address), key, String(waiters), String(workMs)]
  const children = Array.from({ length: PROCESSES }, () => startChild('waiting-worker.ts', args))
  await Promise.all(children.map((child) => child.line(/^waiting$/)))
  return children
}

/** Waits until all were served. @returns the tokens of each process, in the order of its grants */
async function served(children: readonly RunningChild[]): Promise<Served[]> {
  return Promise.all(
    children.map(async (child) => {
      const line = await child.line(/^\{"tokens/)
      expect(await child.ended).toBe(0)
      return JSON.parse(line) as Served
    }),
  )
}

function expectAllServed(all: readonly Served[], waiters: number): void {
  expect(all.flatMap(({ failures }) => failures)).toEqual([])
  const tokens = all.flatMap((one) => one.tokens)
  expect(tokens).toHaveLength(PROCESSES * waiters)
  expect(new Set(tokens).size).toBe(PROCESSES * waiters)
  for (const one of all) expect(one.tokens).toEqual([...one.tokens].sort((a, b) => a - b))
}

for (const backend of BACKENDS.filter(({ family }) => family === 'postgres')) {
  describe(backend.name, () => {
    // Of its own: the server counts statements by database.
    let database: ThrowawayDatabase
    let open: OpenBackend
    let locks: LockFactory
    let admin: pg.Client
    beforeAll(async () => {
      database = await createDatabase(backend)
      open = await pgBackend(backend.name, database.url).open()
      locks = open.factory()
      admin = new pg.Client(database.url)
      await admin.connect()
    })
    afterAll(async () => {
      await locks.close()
      await admin.end()
      await open.close()
      await database.drop()
    })

    /** Statements in the database so far, by the server's own books. */
    const statements = async () => {
      const text = `select sum(calls)::int as calls from pg_stat_statements
        where dbid = (select oid from pg_database where datname = current_database())`
      return Number((await admin.query(text)).rows[0].calls)
    }
    const canCount = async () => {
      await admin.query('create extension if not exists pg_stat_statements').catch(() => {})
      return statements().then(
        () => true,
        () => false,
      )
    }

    test('1,000 waiters in 4 processes are all served, and cost what 4 cost', { timeout: 90_000 }, async (context) => {
      if (!(await canCount())) context.skip('this server does not count its statements')
      const costs: number[] = []
      for (const waiters of [1, 250]) {
        const key = `many:${waiters}`
        const held = await locks.createLock(key, '5m').hold()
        const children = await startWaiters(open.address, key, waiters, 0)
        const before = await statements()
        await sleep(3_000)
        costs.push((await statements()) - before)
        await held.release()
        expectAllServed(await served(children), waiters)
      }
      const [few = 0, many = 0] = costs
      // Four processes ask and mark once in a quarter of a second or less; with chance in it.
      expect(few).toBeGreaterThan(20)
      expect(many).toBeLessThan(few * 1.5)
    })

    test('waiters are served though their listening connections are killed all the time', {
      timeout: 60_000,
    }, async () => {
      const held = await locks.createLock('killed', '5m').hold()
      const children = await startWaiters(open.address, 'killed', 50, 5)
      const kill = async () =>
        (
          await admin.query(
            `select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and application_name = 'verrou-sql'`,
          )
        ).rowCount
      let killed = (await kill()) ?? 0
      await held.release()
      const all = served(children)
      for (let round = 0; round < 10; round++) {
        await sleep(100)
        killed += (await kill()) ?? 0
      }
      expectAllServed(await all, 50)
      expect(killed).toBeGreaterThanOrEqual(PROCESSES)
    })

    test('waiters are served though what comes from the server is held back, and the connections break', {
      timeout: 60_000,
    }, async () => {
      const proxy = await TcpProxy.to(database.url)
      await proxy.up()
      const address = { ...(open.address as object), url: proxy.through(database.url) }
      const held = await locks.createLock('dropped', '5m').hold()
      const children = await startWaiters(address, 'dropped', 50, 5)
      proxy.mute()
      await held.release()
      await sleep(500)
      await proxy.down()
      await sleep(1_000)
      await proxy.up()
      expectAllServed(await served(children), 50)
      await proxy.down()
    })
  })
}

describe.runIf(isSelected('postgres'))('a server that restarts', () => {
  test('while waiters wait, serves them all afterwards', { timeout: 90_000 }, async (context) => {
    const server = await optionalServer('a Postgres of its own', () => startPostgres('postgres-18'))
    if (!server) return context.skip()
    const open = await pgBackend('postgres', server.url).open()
    const locks = open.factory()
    const admin = new pg.Pool({ connectionString: server.url })
    admin.on('error', () => {})
    try {
      const held = await locks.createLock('restart', '2s').hold()
      const children = await startWaiters(open.address, 'restart', 100, 2)
      for (let crash = 0; crash < 2; crash++) {
        // The server takes this for a crash, ends every session, recovers, and starts anew.
        const { rows } = await admin.query('select pg_backend_pid() as pid')
        process.kill(rows[0].pid, 'SIGKILL')
        await sleep(400)
        if (crash === 0) await held.release().catch(() => {})
      }
      expectAllServed(await served(children), 100)
      await locks.close()
    } finally {
      await admin.end().catch(() => {})
      await open.close().catch(() => {})
      await server.stop()
    }
  })
})

for (const backend of tableBackends().filter(({ family }) => family !== 'postgres')) {
  test(`${backend.name}: 400 waiters in 4 processes are all served`, { timeout: 90_000 }, async () => {
    const open = await backend.open()
    const locks = open.factory()
    const held = await locks.createLock('many', '5m').hold()
    const children = await startWaiters(open.address, 'many', 100, 0)
    await held.release()
    expectAllServed(await served(children), 100)
    await locks.close()
    await open.close()
  })
}

test.runIf(tableBackends().length === 0)('nothing to test: no database is selected', () => {})
