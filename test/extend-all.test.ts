import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialectNamed } from '../src/dialects/detect.ts'
import type { OwnConnection } from '../src/executors/executor.ts'
import { pgExecutor } from '../src/executors/pg.ts'
import { SqlStore } from '../src/store/sql-store.ts'
import { requestFor, take } from './suite/taking.ts'
import { BACKENDS } from './support/backends.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { pgBackend } from './support/sql-backend.ts'

/** Where renewals are sent, and for how long they are waited for. What they mean is in test/suite/renewing-many.ts. */

const WITHIN_MS = 300

for (const { name, url } of BACKENDS.filter(({ family }) => family === 'postgres')) {
  describe(name, () => {
    let open: OpenBackend
    let pool: pg.Pool
    let own: pg.Client
    const limits: number[] = []
    const ownConnection: OwnConnection = {
      async execute(wording, values, withinMs) {
        limits.push(withinMs)
        return pgExecutor({ query: (query) => own.query(query) }, null).execute(wording, values)
      },
      close: () => own.end(),
    }
    beforeAll(async () => {
      open = await pgBackend(name, url).open()
      pool = new pg.Pool({ connectionString: url, max: 1 })
      own = new pg.Client({ connectionString: url })
      await own.connect()
    })
    afterAll(async () => {
      await pool.end()
      await open.close()
    })
    const storeWith = (connection: OwnConnection | undefined) => {
      const table = { tableName: open.address?.tableName as string, schema: undefined }
      const dialect = dialectNamed('postgres', table)
      return new SqlStore({
        executor: pgExecutor(pool, null),
        dialect: () => dialect,
        dialectWithin: () => dialect,
        table,
        ownConnection: connection,
        wakeSource: undefined,
        createTable: undefined,
        isBatching: false,
      })
    }

    test('without a connection of its own they wait for one of the pool, but not longer than asked', async () => {
      const store = storeWith(undefined)
      const hold = await take(store, requestFor('pooled'))
      const busy = await pool.connect()
      const startMs = performance.now()
      const release = setTimeout(() => busy.release(), 2_000)
      const renewing = store.extendAll([{ hold, ttlUs: 60_000_000 }], WITHIN_MS)
      await expect(renewing).rejects.toMatchObject({ name: 'StoreTrouble', kind: 'unanswered' })
      expect(performance.now() - startMs).toBeGreaterThan(WITHIN_MS - 10)
      expect(performance.now() - startMs).toBeLessThan(WITHIN_MS + 700)
      clearTimeout(release)
      busy.release()
      expect(await store.extendAll([{ hold, ttlUs: 60_000_000 }], 5_000)).toMatchObject([{ kind: 'renewed' }])
    })

    test('a connection of its own is used while the pool is busy, and told how long it has', async () => {
      const store = storeWith(ownConnection)
      const hold = await take(store, requestFor('own'))
      const busy = await pool.connect()
      const answers = await store.extendAll([{ hold, ttlUs: 60_000_000 }], 5_000)
      expect(answers).toMatchObject([{ kind: 'renewed' }])
      busy.release()
      expect(limits).toHaveLength(1)
      expect(limits[0]).toBeGreaterThan(4_000)
      expect(limits[0]).toBeLessThanOrEqual(5_000)
    })

    test('a list of more than a thousand goes in several statements', async () => {
      const store = storeWith(ownConnection)
      const hold = await take(store, requestFor('sliced'))
      limits.length = 0
      const renewals = Array.from({ length: 2_001 }, (_, n) => ({ hold: { ...hold, key: `x${n}` }, ttlUs: 1 }))
      expect(new Set((await store.extendAll(renewals, 20_000)).map(({ kind }) => kind))).toEqual(new Set(['lost']))
      expect(limits).toHaveLength(3)
    })

    test('what the database says of them is trouble, as of any other statement', async () => {
      const store = storeWith(ownConnection)
      const hold = await take(store, requestFor('troubled'))
      await own.query('set statement_timeout = 1')
      await own.query('select 1').catch(() => {})
      const locker = new pg.Client({ connectionString: url })
      await locker.connect()
      await locker.query(`begin; lock table ${open.address?.tableName} in access exclusive mode`)
      await expect(store.extendAll([{ hold, ttlUs: 1 }], 5_000)).rejects.toMatchObject({
        name: 'StoreTrouble',
        kind: 'failed',
      })
      await locker.query('rollback')
      await locker.end()
      await store.close()
      await expect(store.extendAll([{ hold, ttlUs: 1 }], 5_000)).rejects.toMatchObject({ kind: 'unanswered' })
    })
  })
}

test.runIf(BACKENDS.length === 0)('nothing to test: no server is selected', () => {})
