// Locks in transactions of Drizzle, on Postgres. The other files here tell the same story with other libraries.
//   npm run build && DATABASE_URL=postgres://… node examples/transactions/drizzle.ts
import { eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, varchar } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { isLockError, LockFactory } from 'verrou-sql'
import { fromDrizzle } from 'verrou-sql/adapters/drizzle'
import { pgStore } from 'verrou-sql/drivers/pg'

const orders = pgTable('orders', { id: integer().notNull(), status: varchar().notNull() })
const jobs = pgTable('jobs', { orderId: integer('order_id').notNull(), lock: varchar().notNull() })
const accounts = pgTable('accounts', { id: varchar().notNull(), balance: integer().notNull() })

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
pool.on('error', (error) => console.error('a connection broke while idle:', error.message))
const db = drizzle(pool)
const locks = new LockFactory(pgStore({ pool, autoCreateTable: true }))

await db.execute('create table orders (id integer, status varchar(20))')
await db.execute('create table jobs (order_id integer, lock varchar(500))')
await db.execute('create table accounts (id varchar(20), balance integer)')
await db.insert(accounts).values([
  { id: 'ada', balance: 100 },
  { id: 'bob', balance: 100 },
])
await locks.createLock('order:42').isLocked() // creates the table of the locks, which no transaction does

// 1. A request writes an order, takes a lease on it and queues a job that holds the lease: all of it, or nothing.
await db.transaction(async (tx) => {
  const lock = locks.within(fromDrizzle(tx)).createLock('order:42', '5m')
  if (!(await lock.acquireImmediately())) throw new Error('somebody else is at this order')
  await tx.insert(orders).values({ id: 42, status: 'new' })
  await tx.insert(jobs).values({ orderId: 42, lock: JSON.stringify(lock.serialize()) })
})
console.log(await locks.createLock('order:42').isLocked()) // true

// 2. A worker, another process: the result is written and the lease released, or neither.
const [job] = await db.select().from(jobs)
await db.transaction(async (tx) => {
  const lock = locks.within(fromDrizzle(tx)).restoreLock(JSON.parse(job?.lock ?? ''))
  await lock.release() // E_LOCK_NOT_OWNED, and a rollback, if the lease was lost
  await tx.update(orders).set({ status: 'paid' }).where(eq(orders.id, 42))
  await tx.delete(jobs).where(eq(jobs.orderId, 42))
})
console.log(await locks.createLock('order:42').isLocked()) // false

// 3. A transfer: both accounts are locked until the commit. Two that lock in opposite orders cannot deadlock.
await db.transaction(async (tx) => {
  const wanted = ['account:bob', 'account:ada']
  const locked = await locks.within(fromDrizzle(tx)).lockUntilCommit(wanted, { timeout: '5s' })
  if (!locked) throw new Error('the accounts are busy')
  const balance = (change: number) => ({ balance: sql`${accounts.balance} + ${change}` })
  await tx.update(accounts).set(balance(-30)).where(eq(accounts.id, 'ada'))
  await tx.update(accounts).set(balance(30)).where(eq(accounts.id, 'bob'))
})
console.log((await db.select().from(accounts).orderBy(accounts.id)).map((account) => account.balance)) // [ 70, 130 ]

// 4. Long work under a lease, outside of any transaction. Its write is guarded: it commits only while the lease is ours.
const report = locks.createLock('report', '30s')
await report.acquire()
await locks.createLock('report').forceRelease() // somebody takes it away
const outcome = await db
  .transaction(async (tx) => {
    await report.guard(fromDrizzle(tx))
    await tx.update(accounts).set({ balance: 0 })
  })
  .catch((error) => error)
console.log(isLockError(outcome, 'E_LOCK_LOST')) // true

await locks.close()
await pool.end()
