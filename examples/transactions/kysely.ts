// Locks in transactions of Kysely, on Postgres. The other files here tell the same story with other libraries.
//   npm run build && DATABASE_URL=postgres://… node examples/transactions/kysely.ts
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { isLockError, LockFactory } from 'verrou-sql'
import { kyselyStore } from 'verrou-sql/drivers/kysely'

interface Tables {
  orders: { id: number; status: string }
  jobs: { order_id: number; lock: string }
  accounts: { id: string; balance: number }
}

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
pool.on('error', (error) => console.error('a connection broke while idle:', error.message))
const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
const locks = new LockFactory(kyselyStore({ connection: db, autoCreateTable: true }))

await db.schema.createTable('orders').addColumn('id', 'integer').addColumn('status', 'varchar(20)').execute()
await db.schema.createTable('jobs').addColumn('order_id', 'integer').addColumn('lock', 'varchar(500)').execute()
await db.schema.createTable('accounts').addColumn('id', 'varchar(20)').addColumn('balance', 'integer').execute()
await db
  .insertInto('accounts')
  .values([
    { id: 'ada', balance: 100 },
    { id: 'bob', balance: 100 },
  ])
  .execute()
await locks.createLock('order:42').isLocked() // creates the table of the locks, which no transaction does

// 1. A request writes an order, takes a lease on it and queues a job that holds the lease: all of it, or nothing.
await db.transaction().execute(async (trx) => {
  const lock = locks.within(trx).createLock('order:42', '5m')
  if (!(await lock.acquireImmediately())) throw new Error('somebody else is at this order')
  await trx.insertInto('orders').values({ id: 42, status: 'new' }).execute()
  await trx
    .insertInto('jobs')
    .values({ order_id: 42, lock: JSON.stringify(lock.serialize()) })
    .execute()
})
console.log(await locks.createLock('order:42').isLocked()) // true

// 2. A worker, another process: the result is written and the lease released, or neither.
const job = await db.selectFrom('jobs').selectAll().executeTakeFirstOrThrow()
await db.transaction().execute(async (trx) => {
  const lock = locks.within(trx).restoreLock(JSON.parse(job.lock))
  await lock.release() // E_LOCK_NOT_OWNED, and a rollback, if the lease was lost
  await trx.updateTable('orders').set({ status: 'paid' }).where('id', '=', 42).execute()
  await trx.deleteFrom('jobs').where('order_id', '=', 42).execute()
})
console.log(await locks.createLock('order:42').isLocked()) // false

// 3. A transfer: both accounts are locked until the commit. Two that lock in opposite orders cannot deadlock.
await db.transaction().execute(async (trx) => {
  const locked = await locks.within(trx).lockUntilCommit(['account:bob', 'account:ada'], { timeout: '5s' })
  if (!locked) throw new Error('the accounts are busy')
  await trx
    .updateTable('accounts')
    .set((eb) => ({ balance: eb('balance', '-', 30) }))
    .where('id', '=', 'ada')
    .execute()
  await trx
    .updateTable('accounts')
    .set((eb) => ({ balance: eb('balance', '+', 30) }))
    .where('id', '=', 'bob')
    .execute()
})
console.log((await db.selectFrom('accounts').select('balance').orderBy('id').execute()).map((row) => row.balance)) // [ 70, 130 ]

// 4. Long work under a lease, outside of any transaction. Its write is guarded: it commits only while the lease is ours.
const report = locks.createLock('report', '30s')
await report.acquire()
await locks.createLock('report').forceRelease() // somebody takes it away
const outcome = await db
  .transaction()
  .execute(async (trx) => {
    await report.guard(trx)
    await trx.updateTable('accounts').set({ balance: 0 }).execute()
  })
  .catch((error) => error)
console.log(isLockError(outcome, 'E_LOCK_LOST')) // true

await locks.close()
await db.destroy()
