import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { LockFactory } from '../src/index.ts'
import { runChild } from './support/child.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { tableBackends } from './support/contract-backends.ts'

/**
 * G10: a request writes an order, takes a lease and queues a job with the lease, in one transaction; a worker writes the
 * result and releases in another. Whoever is killed or rolled back, wherever: no lease without its job, no job without
 * its lease, no result written twice.
 */

const HANDLER_STEPS = 4
const WORKER_STEPS = 5

for (const backend of tableBackends()) {
  describe(backend.name, () => {
    const tables = `story_${randomBytes(4).toString('hex')}`
    let open: OpenBackend
    let locks: LockFactory
    let orders = 0
    beforeAll(async () => {
      open = await backend.open()
      locks = open.factory()
      await open.send(`create table ${tables}_orders (id integer primary key)`)
      await open.send(`create table ${tables}_jobs (id integer primary key, lease varchar(1000) not null)`)
      await open.send(`create table ${tables}_results (job integer not null)`)
    })
    afterAll(async () => {
      for (const name of ['orders', 'jobs', 'results']) await open.send(`drop table ${tables}_${name}`)
      await open.close()
    })

    const runRole = (role: string, order: number, step = -1, how = 'nothing') =>
      runChild('transactions/order-process.ts', [
        JSON.stringify(open.address),
        tables,
        String(order),
        role,
        String(step),
        how,
      ])
    const count = async (name: string, column: string, order: number) => {
      const [row] = await open.send(`select count(*) as n from ${tables}_${name} where ${column} = ${order}`)
      return Number(row?.n)
    }
    const state = async (order: number) => ({
      orders: await count('orders', 'id', order),
      jobs: await count('jobs', 'id', order),
      results: await count('results', 'job', order),
      isLocked: await locks.createLock(`order:${order}`).isLocked(),
    })

    const NOTHING = { orders: 0, jobs: 0, results: 0, isLocked: false }
    const QUEUED = { orders: 1, jobs: 1, results: 0, isLocked: true }
    const DONE = { orders: 1, jobs: 0, results: 1, isLocked: false }

    describe.each(['killed', 'rollback'])('%s', (how) => {
      for (let step = 0; step < HANDLER_STEPS; step++) {
        test.concurrent(`the handler, after step ${step}`, async ({ expect }) => {
          const order = ++orders
          await runRole('handler', order, step, how)
          const isAfterCommit = step === HANDLER_STEPS - 1
          await expect.poll(() => state(order), { timeout: 5_000 }).toEqual(isAfterCommit ? QUEUED : NOTHING)
        })
      }

      for (let step = 0; step < WORKER_STEPS; step++) {
        test.concurrent(`the worker, after step ${step}`, async ({ expect }) => {
          const order = ++orders
          await runRole('handler', order)
          expect(await state(order)).toEqual(QUEUED)
          await runRole('worker', order, step, how)
          const isAfterCommit = step === WORKER_STEPS - 1
          await expect.poll(() => state(order), { timeout: 5_000 }).toEqual(isAfterCommit ? DONE : QUEUED)
          await runRole('worker', order)
          expect(await state(order)).toEqual(DONE)
        })
      }
    })

    test.concurrent('three workers for one job write one result', async ({ expect }) => {
      const order = ++orders
      await runRole('handler', order)
      const ended = await Promise.all([1, 2, 3].map(() => runRole('worker', order)))
      // Guards go together, deletes do not: each but one may be told of a deadlock, and at worst, at the same moment, all of them.
      await runRole('worker', order)
      expect(await state(order)).toEqual(DONE)
      expect(ended.every(({ code }) => code === 0)).toBe(true)
    })
  })
}

test.runIf(tableBackends().length === 0)('nothing to test: no database of this file is selected', () => {})
