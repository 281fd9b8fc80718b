import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Listen, pgStore } from '../src/drivers/pg.ts'
import type { LockStore } from '../src/index.ts'
import type { WakeSource, WakeupTrouble } from '../src/store/wake-source.ts'
import { startPgbouncer } from './servers/start-pgbouncer.ts'
import type { StartedServer } from './servers/started-server.ts'
import { BACKENDS } from './support/backends.ts'
import { optionalServer } from './support/optional-server.ts'
import { uniqueTableName } from './support/table-name.ts'

const postgres = BACKENDS.filter(({ family }) => family === 'postgres').at(-1)

describe.runIf(postgres).each(['transaction', 'session'] as const)('PgBouncer in %s mode', (poolMode) => {
  const direct = postgres?.url as string
  const tableName = uniqueTableName('pgbouncer')
  let pgbouncer: StartedServer | undefined
  let pool: pg.Pool
  let store: LockStore
  let admin: pg.Pool
  let end = () => {}
  let wakes = 0
  let troubles: WakeupTrouble[]

  beforeAll(async () => {
    pgbouncer = await optionalServer('PgBouncer', () => startPgbouncer(direct, poolMode))
    admin = new pg.Pool({ connectionString: direct, max: 1 })
  })
  afterEach(async () => {
    end()
    await store?.close()
    await pool?.end()
  })
  afterAll(async () => {
    await admin.end()
    await pgbouncer?.stop()
  })

  /** @returns `undefined` where there is no PgBouncer */
  function subscribe(listen?: Listen): WakeSource | undefined {
    if (!pgbouncer) return undefined
    wakes = 0
    troubles = []
    pool = new pg.Pool({ connectionString: pgbouncer.url })
    store = pgStore({ pool, tableName, prepare: false, listen })
    const source = store.wakeSource as WakeSource
    source.onTrouble((trouble) => troubles.push(trouble))
    end = source.subscribe('key', () => {
      wakes++
    })
    return source
  }

  const notifyThroughPool = () => pool.query('select pg_notify($1, $2)', [tableName, 'key'])

  test.runIf(poolMode === 'transaction')(
    'is found to be deaf: told of once, and nothing is said to be heard',
    async (context) => {
      const source = subscribe()
      if (!source) return context.skip()
      await expect.poll(() => troubles.length, { timeout: 8_000 }).toBe(1)
      expect(troubles[0]?.reason).toBe('deaf')
      expect(troubles[0]?.message).toContain("listen: { connectionString: 'postgres://…' }")
      expect([source.isHearing, wakes]).toEqual([false, 1])
      await notifyThroughPool()
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      expect([source.isHearing, wakes, troubles.length]).toEqual([false, 1, 1])
      // No connection of the pooler still listens, and would hand what it hears to strangers.
      const listening = await Promise.all(
        Array.from({ length: 5 }, () => pool.query('select pg_listening_channels() from pg_sleep(0.2)')),
      )
      expect(listening.flatMap(({ rows }) => rows)).toEqual([])
      // And none has a setting of ours.
      const { rows } = await pool.query("select current_setting('tcp_keepalives_idle') as idle")
      expect(rows[0]?.idle).not.toBe('30')
    },
  )

  test.runIf(poolMode === 'transaction')('hears by way of a direct address', async (context) => {
    const source = subscribe({ connectionString: direct })
    if (!source) return context.skip()
    await expect.poll(() => source.isHearing, { timeout: 8_000 }).toBe(true)
    await notifyThroughPool()
    await expect.poll(() => wakes).toBe(2)
    expect(troubles).toEqual([])
  })

  test.runIf(poolMode === 'session')('hears', async (context) => {
    const source = subscribe()
    if (!source) return context.skip()
    await expect.poll(() => source.isHearing, { timeout: 8_000 }).toBe(true)
    await notifyThroughPool()
    await admin.query('select pg_notify($1, $2)', [tableName, 'key'])
    await expect.poll(() => wakes).toBe(3)
    expect(troubles).toEqual([])
  })

  test('does not listen where that is not wanted', async (context) => {
    if (!pgbouncer) return context.skip()
    pool = new pg.Pool({ connectionString: pgbouncer.url })
    store = pgStore({ pool, tableName, prepare: false, listen: false })
    expect(store.wakeSource).toBeUndefined()
  })
})

test.runIf(!postgres)('nothing to test: no Postgres is selected', () => {})
