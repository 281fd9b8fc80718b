import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { fromPg } from '../src/adapters/pg.ts'
import { type Listen, pgStore } from '../src/drivers/pg.ts'
import { pgExecutor } from '../src/executors/pg.ts'
import { LockFactory } from '../src/index.ts'
import { type PgbouncerWishes, startPgbouncer } from './servers/start-pgbouncer.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { optionalServer } from './support/optional-server.ts'
import { DIRECT } from './support/pgbouncer-cases.ts'
import { pgBackend } from './support/sql-backend.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

const OLD = { suite: 'bookworm' } as const
/** Two connections of the server for everybody. */
const SMALL = { suite: 'bookworm', settings: { default_pool_size: 2 } } as const

describe.runIf(DIRECT)('behind PgBouncer', () => {
  const direct = DIRECT?.url as string
  let open: OpenBackend
  beforeAll(async () => {
    open = await pgBackend('direct', direct).open()
  })
  afterAll(() => open.close())

  /** @returns the address of a pooler, for this test; where there is none, the test is skipped */
  async function pooler(skip: () => never, wishes: PgbouncerWishes, postgresUrl = direct): Promise<string> {
    const pgbouncer = await optionalServer('PgBouncer', () => startPgbouncer(postgresUrl, 'transaction', wishes))
    if (!pgbouncer) return skip()
    onTestFinished(() => pgbouncer.stop())
    return pgbouncer.url
  }

  function poolAt(connectionString: string, max = 10): pg.Pool {
    const pool = new pg.Pool({ connectionString, max })
    pool.on('error', () => {})
    onTestFinished(() => pool.end())
    return pool
  }

  function locksOn(pool: pg.Pool, listen: Listen = false, batch = true): LockFactory {
    const locks = new LockFactory(pgStore({ pool, listen, batch, tableName: open.address?.tableName as string }))
    onTestFinished(() => locks.close())
    return locks
  }

  /** Takes a connection of the server, as a transaction does. @returns gives it back */
  async function transactionOn(pool: pg.Pool): Promise<{ pid: number; end(): Promise<void> }> {
    const client = await pool.connect()
    await client.query('begin')
    let isOpen = true
    const end = async () => {
      if (!isOpen) return
      isOpen = false
      await client.query('commit')
      client.release()
    }
    onTestFinished(end)
    const { rows } = await client.query('select pg_backend_pid() as pid')
    return { pid: rows[0].pid, end }
  }

  describe('names of prepared statements', () => {
    /** Many callers on few connections of the server. @returns how many statements had a name, in the first and the second half */
    async function namedStatements(url: string): Promise<[number, number]> {
      const pool = poolAt(url)
      const sent: boolean[] = []
      const query = pool.query.bind(pool)
      Object.assign(pool, {
        query: (given: pg.QueryConfig) => {
          sent.push(given.name !== undefined)
          return query(given)
        },
      })
      // Each by itself: many statements.
      const locks = locksOn(pool, false, false)
      const runAll = async () => {
        const ran = await Promise.all(
          Array.from({ length: 60 }, (_, n) => locks.createLock(`name ${n}`).run(async () => n)),
        )
        expect(ran).toEqual(Array.from({ length: 60 }, (_, n) => [true, n]))
        return sent.splice(0).filter(Boolean).length
      }
      return [await runAll(), await runAll()]
    }

    test.for<[string, PgbouncerWishes]>([
      ['1.18', OLD],
      ['1.24 with max_prepared_statements = 0', { suite: 'trixie', settings: { max_prepared_statements: 0 } }],
    ])('are given up where they get mixed up, and no caller hears of it: %s', async ([, wishes], { skip }) => {
      const [first, second] = await namedStatements(await pooler(skip, wishes))
      expect(first).toBeGreaterThan(0)
      expect(second).toBe(0)
    })

    test('are kept where they can be had: 1.24 with max_prepared_statements = 100', async ({ skip }) => {
      const url = await pooler(skip, { suite: 'trixie', settings: { max_prepared_statements: 100 } })
      // A look for old rows may come on top.
      for (const named of await namedStatements(url)) expect(named).toBeGreaterThanOrEqual(120)
    })

    test('never lead to the text of another version of this library', async ({ skip }) => {
      const url = await pooler(skip, SMALL)
      const transactions = poolAt(url)
      const older = pgExecutor(poolAt(url, 1), 'table')
      const newer = pgExecutor(poolAt(url, 1), 'table')
      const send = async (executor: typeof newer, text: string) => {
        const sql = `select '${text}' as text, pg_backend_pid() as pid`
        return (await executor.execute({ name: 'statement', sql }, [])).rows[0] as { text: string; pid: number }
      }
      const one = await send(older, 'older')
      // Prepared on the other connection of the server …
      const first = await transactionOn(transactions)
      const other = await send(newer, 'newer')
      expect([first.pid, other.pid === one.pid]).toEqual([one.pid, false])
      await first.end()
      // … and sent on the first one, which has the older text.
      let second = await transactionOn(transactions)
      if (second.pid === one.pid) {
        const third = await transactionOn(transactions)
        await second.end()
        second = third
      }
      const { text, pid } = await send(newer, 'newer')
      // PgBouncer may close the first one after the error, and the repetition then runs on a third.
      expect([text, pid === other.pid]).toEqual(['newer', false])
      await second.end()
    })
  })

  describe('with every connection of the server in a transaction', () => {
    async function busy(url: string, ms: number): Promise<void> {
      const pool = poolAt(url)
      const transactions = [await transactionOn(pool), await transactionOn(pool)]
      await sleep(ms)
      for (const transaction of transactions) await transaction.end()
    }

    /** A lease of 1 s is kept alive for 2.5 s, in which nobody gets a connection. */
    async function keptAlive(url: string, listen: Listen) {
      const locks = locksOn(poolAt(url), listen)
      const lock = locks.createLock(`busy ${JSON.stringify(listen)}`, 1_000)
      const observer = open.factory().createLock(lock.key, 1_000)
      let abortedMs: number | undefined
      let takenMs: number | undefined
      const outcome = lock.run(
        async ({ signal }) => {
          signal.addEventListener('abort', () => {
            abortedMs = performance.now()
          })
          const end = busy(url, 2_500)
          for (let tries = 0; tries < 50 && takenMs === undefined; tries++) {
            await sleep(50)
            if (await observer.acquireImmediately()) takenMs = performance.now()
          }
          await end
        },
        { keepAlive: true },
      )
      await outcome.catch(() => {})
      return { abortedMs, takenMs }
    }

    test('a lease whose renewal waits is lost in time: its signal aborts before anybody else has it', async ({
      skip,
    }) => {
      const { abortedMs, takenMs } = await keptAlive(await pooler(skip, SMALL), false)
      expect(takenMs).toBeDefined()
      expect(abortedMs).toBeLessThan(takenMs as number)
    })

    test('a lease is kept by way of a direct address', async ({ skip }) => {
      const url = await pooler(skip, SMALL)
      expect(await keptAlive(url, { connectionString: direct })).toEqual({ abortedMs: undefined, takenMs: undefined })
    })

    test('who waits for a connection is granted what lasts, counted from before it asked', async ({ skip }) => {
      const url = await pooler(skip, SMALL)
      const lock = locksOn(poolAt(url)).createLock('late', 1_000)
      const end = busy(url, 1_500)
      await sleep(100)
      expect(await lock.acquire()).toBe(true)
      const [row] = await open.send(
        `select (expires_at - extract(epoch from clock_timestamp()) * 1000000) / 1000 as left_ms from ${open.address?.tableName} where key = 'late'`,
      )
      const leftMs = lock.getRemainingTime() as number
      expect(leftMs).toBeGreaterThan(0)
      // As far as this process knows, it has no more than the database says, which was asked earlier.
      expect(leftMs).toBeLessThanOrEqual(Number(row?.left_ms) + 1)
      await end
    })

    test('transactions that wait for a lease get it when it ends, though its release has no connection', async ({
      skip,
    }) => {
      const url = await pooler(skip, SMALL)
      const locks = locksOn(poolAt(url))
      const holder = locks.createLock('circle', 1_500)
      await holder.acquire()
      const pool = poolAt(url)
      const waitInTransaction = async () => {
        const client = await pool.connect()
        await client.query('begin')
        const token = await locks.within(fromPg(client)).lockUntilCommit(holder.key, { timeout: '10s' })
        await client.query('commit')
        client.release()
        return token
      }
      const waiting = [waitInTransaction(), waitInTransaction()]
      await sleep(300)
      const startMs = performance.now()
      // There is no answer in time, or somebody else has the key by then.
      const released = expect(holder.release()).rejects.toMatchObject({
        code: expect.stringMatching(/^E_LOCK_(STORAGE_ERROR|NOT_OWNED)$/),
      })
      for (const token of await Promise.all(waiting)) expect(token).toBeTruthy()
      expect(performance.now() - startMs).toBeLessThan(3_000)
      await released
    })
  })

  test.for(['bookworm', 'trixie'] as const)('leases work in statement mode: %s', async (suite, { skip }) => {
    const locks = locksOn(poolAt(await pooler(skip, { suite, settings: { pool_mode: 'statement' } })))
    const ran = Array.from({ length: 30 }, (_, n) =>
      locks.createLock(`statement ${n % 5}`, 2_000).run(async () => n, { keepAlive: true }),
    )
    expect(await Promise.all(ran)).toEqual(Array.from({ length: 30 }, (_, n) => [true, n]))
  })

  test.for(['bookworm', 'trixie'] as const)(
    'nothing stays taken when the pooler loses the answer of the server: %s',
    async (suite, { skip }) => {
      const proxy = await TcpProxy.to(direct)
      await proxy.up()
      onTestFinished(() => proxy.down())
      const url = await pooler(skip, { suite, settings: { default_pool_size: 1 } }, proxy.through(direct))
      const lock = locksOn(poolAt(url)).createLock(`answer ${suite}`, null)
      await lock.isLocked()
      proxy.loseNextReply()
      const isGranted = await lock.acquire().catch(() => false)
      await sleep(500)
      await expect.poll(() => open.factory().createLock(lock.key).isLocked(), { timeout: 5_000 }).toBe(isGranted)
      if (isGranted) await lock.release()
    },
  )
})

test.runIf(!DIRECT)('nothing to test: no Postgres is selected', () => {})
