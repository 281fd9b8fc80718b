import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pgStore } from '../src/drivers/pg.ts'
import { LockFactory } from '../src/index.ts'
import type { StartedServer } from './servers/started-server.ts'
import { rejection } from './suite/rejection.ts'
import { DIRECT, type PgbouncerCase, SESSION_CASES, startCase, TRANSACTION_CASES } from './support/pgbouncer-cases.ts'
import { uniqueTableName } from './support/table-name.ts'

const session = { strategy: 'session' } as const

const STATEMENT_CASE: PgbouncerCase = {
  name: 'PgBouncer 1.24, statement mode',
  poolMode: 'transaction',
  suite: 'trixie',
  settings: { pool_mode: 'statement' },
}

describe.runIf(DIRECT).each([...TRANSACTION_CASES, STATEMENT_CASE, ...SESSION_CASES])('$name', (pooler) => {
  const direct = DIRECT?.url as string
  let server: StartedServer | undefined
  beforeAll(async () => {
    server = await startCase(pooler)
  })
  afterAll(() => server?.stop())

  async function withLocks(
    listen: { connectionString: string } | undefined,
    work: (locks: LockFactory, pool: pg.Pool) => Promise<void>,
  ): Promise<void> {
    const pool = new pg.Pool({ connectionString: server?.url, max: 4 })
    const locks = new LockFactory(pgStore({ pool, tableName: uniqueTableName('session'), ...(listen && { listen }) }))
    try {
      await work(locks, pool)
    } finally {
      await locks.close()
      await pool.end()
    }
  }

  describe.runIf(pooler.poolMode === 'transaction')('refuses', () => {
    test.for([
      { how: 'with nothing else to do', others: 0 },
      { how: 'with others at work', others: 6 },
    ])('$how', { timeout: 30_000 }, async ({ others }, context) => {
      if (!server) return context.skip()
      await withLocks(undefined, async (locks, pool) => {
        let isOver = false
        const work = Array.from({ length: others }, async () => {
          while (!isOver) await pool.query('select pg_sleep(random() / 500)')
        })
        const [first, second] = await Promise.all([
          rejection(locks.createLock('k', session).acquire(), 'E_SESSION_POOLED'),
          rejection(
            locks.createLock('k2', session).runImmediately(() => {}),
            'E_SESSION_POOLED',
          ),
        ])
        expect(first.message).toContain("listen: { connectionString: 'postgres://…' }")
        expect(second.retryable).toBe(false)
        // Known by now: nobody waits for another proof.
        const askedAtMs = performance.now()
        await rejection(locks.createLock('k', session).isLocked(), 'E_SESSION_POOLED')
        expect(performance.now() - askedAtMs).toBeLessThan(1_000)
        isOver = true
        await Promise.all(work)
      })
      // No lock, no listener and no setting stays on a session that others have next.
      const admin = new pg.Client(server.url)
      await admin.connect()
      const { rows } = await admin.query(
        `select current_setting('tcp_keepalives_idle') as idle, (select count(*)::int from pg_listening_channels()) as heard`,
      )
      expect(rows[0]?.idle).not.toBe('10')
      if (others === 0) expect(rows[0]?.heard).toBe(0)
      await admin.end()
    })

    test('a direct address leads around it', async (context) => {
      if (!server) return context.skip()
      await withLocks({ connectionString: direct }, async (locks) => {
        const held = await locks.createLock('k', session).hold()
        expect(await locks.createLock('k', session).acquireImmediately()).toBe(false)
        await held.release()
      })
    })
  })

  test.runIf(pooler.poolMode === 'session')('works', async (context) => {
    if (!server) return context.skip()
    await withLocks(undefined, async (locks) => {
      const held = await locks.createLock('k', session).hold()
      expect(await locks.createLock('k', session).acquireImmediately()).toBe(false)
      await held.release()
      expect(await locks.createLock('k', session).isLocked()).toBe(false)
    })
  })
})

test.runIf(!DIRECT)('nothing to test: no Postgres is selected', () => {})
