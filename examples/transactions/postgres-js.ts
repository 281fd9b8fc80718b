// Locks in transactions of postgres.js, on Postgres. The other files here tell the same story with other libraries.
//   npm run build && DATABASE_URL=postgres://… node examples/transactions/postgres-js.ts
import pg from 'pg'
import postgres from 'postgres'
import { isLockError, LockFactory } from 'verrou-sql'
import { fromPostgresJs } from 'verrou-sql/adapters/postgres-js'
import { pgStore } from 'verrou-sql/drivers/pg'

const url = process.env.DATABASE_URL as string
const sql = postgres(url)
const pool = new pg.Pool({ connectionString: url })
pool.on('error', (error) => console.error('a connection broke while idle:', error.message))
const locks = new LockFactory(pgStore({ pool, autoCreateTable: true }))

await sql`create table orders (id integer, status varchar(20))`
await sql`create table jobs (order_id integer, lock varchar(500))`
await sql`create table accounts (id varchar(20), balance integer)`
await sql`insert into accounts values ('ada', 100), ('bob', 100)`
await locks.createLock('order:42').isLocked() // creates the table of the locks, which no transaction does

// 1. A request writes an order, takes a lease on it and queues a job that holds the lease: all of it, or nothing.
await sql.begin(async (sql) => {
  const lock = locks.within(fromPostgresJs(sql)).createLock('order:42', '5m')
  if (!(await lock.acquireImmediately())) throw new Error('somebody else is at this order')
  await sql`insert into orders values (42, 'new')`
  await sql`insert into jobs values (42, ${JSON.stringify(lock.serialize())})`
})
console.log(await locks.createLock('order:42').isLocked()) // true

// 2. A worker, another process: the result is written and the lease released, or neither.
const [job] = await sql`select lock from jobs`
await sql.begin(async (sql) => {
  const lock = locks.within(fromPostgresJs(sql)).restoreLock(JSON.parse(job?.lock))
  await lock.release() // E_LOCK_NOT_OWNED, and a rollback, if the lease was lost
  await sql`update orders set status = 'paid' where id = 42`
  await sql`delete from jobs where order_id = 42`
})
console.log(await locks.createLock('order:42').isLocked()) // false

// 3. A transfer: both accounts are locked until the commit. Two that lock in opposite orders cannot deadlock.
await sql.begin(async (sql) => {
  const wanted = ['account:bob', 'account:ada']
  const locked = await locks.within(fromPostgresJs(sql)).lockUntilCommit(wanted, { timeout: '5s' })
  if (!locked) throw new Error('the accounts are busy')
  await sql`update accounts set balance = balance - 30 where id = 'ada'`
  await sql`update accounts set balance = balance + 30 where id = 'bob'`
})
console.log((await sql`select balance from accounts order by id`).map((account) => account.balance)) // [ 70, 130 ]

// 4. Long work under a lease, outside of any transaction. Its write is guarded: it commits only while the lease is ours.
const report = locks.createLock('report', '30s')
await report.acquire()
await locks.createLock('report').forceRelease() // somebody takes it away
const outcome = await sql
  .begin(async (sql) => {
    await report.guard(fromPostgresJs(sql))
    await sql`update accounts set balance = 0`
  })
  .catch((error) => error)
console.log(isLockError(outcome, 'E_LOCK_LOST')) // true

await locks.close()
await pool.end()
await sql.end()
