// An HTTP handler writes an order, takes a lease on it and queues a job with the lease, in one transaction. A worker process
// restores the lease, writes its result and releases, in one transaction. Whatever dies, and wherever: no lease without its job.
//   npm run build && DATABASE_URL=postgres://… node examples/orders.ts
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { isLockError, LockFactory } from 'verrou-sql'
import { kyselyStore } from 'verrou-sql/drivers/kysely'
import { migrateToLatest } from 'verrou-sql/migrations'

interface Tables {
  orders: { id: number; status: string }
  jobs: { order_id: number; lock: string }
}

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
pool.on('error', (error) => console.error('a connection broke while idle:', error.message))
const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
const locks = new LockFactory(kyselyStore({ connection: db }))

if (process.argv[2] === 'worker') await work()
else await serve()
await locks.close()
await db.destroy()

/** The handler: `true`, or `false` if somebody is at this order already. */
async function placeOrder(id: number): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    const lock = locks.within(trx).createLock(`order:${id}`, '5m')
    if (!(await lock.acquireImmediately())) return false
    await trx.insertInto('orders').values({ id, status: 'new' }).execute()
    await trx
      .insertInto('jobs')
      .values({ order_id: id, lock: JSON.stringify(lock.serialize()) })
      .execute()
    return true
  })
}

/** The worker: one job after the other, until there is none. */
async function work(): Promise<void> {
  for (;;) {
    const job = await db.selectFrom('jobs').selectAll().executeTakeFirst()
    if (!job) return
    try {
      await db.transaction().execute(async (trx) => {
        await locks.within(trx).restoreLock(JSON.parse(job.lock)).release()
        await trx.updateTable('orders').set({ status: 'paid' }).where('id', '=', job.order_id).execute()
        await trx.deleteFrom('jobs').where('order_id', '=', job.order_id).execute()
      })
    } catch (error) {
      // Another worker has finished this job; its transaction has released the lease.
      if (!isLockError(error, 'E_LOCK_NOT_OWNED')) throw error
    }
  }
}

async function serve(): Promise<void> {
  await migrateToLatest(db)
  await sql`create table orders (id integer primary key, status text not null)`.execute(db)
  await sql`create table jobs (order_id integer primary key, lock text not null)`.execute(db)

  const server = createServer(async (request, response) => {
    const id = Number(request.url?.slice('/orders/'.length))
    response.statusCode = (await placeOrder(id)) ? 202 : 409
    response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const post = (id: number) => fetch(`http://127.0.0.1:${port}/orders/${id}`, { method: 'POST' })

  const twice = await Promise.all([post(42), post(42)])
  console.log(twice.map(({ status }) => status).sort()) // [ 202, 409 ]

  const workers = [1, 2].map(() => spawn(process.execPath, [import.meta.filename, 'worker'], { stdio: 'inherit' }))
  await Promise.all(workers.map((worker) => once(worker, 'exit')))
  console.log(await db.selectFrom('orders').selectAll().execute()) // [ { id: 42, status: 'paid' } ]
  console.log(await locks.createLock('order:42').isLocked()) // false
  server.close()
  server.closeAllConnections()
}
