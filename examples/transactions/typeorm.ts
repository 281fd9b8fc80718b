// Locks in transactions of TypeORM, on Postgres. The other files here tell the same story with other libraries.
//   npm run build && DATABASE_URL=postgres://… node examples/transactions/typeorm.ts
import pg from 'pg'
import { DataSource, EntitySchema } from 'typeorm'
import { isLockError, LockFactory } from 'verrou-sql'
import { fromTypeOrm } from 'verrou-sql/adapters/typeorm'
import { pgStore } from 'verrou-sql/drivers/pg'

const Order = new EntitySchema<{ id: number; status: string }>({
  name: 'orders',
  columns: { id: { type: 'integer', primary: true }, status: { type: 'varchar' } },
})
const Job = new EntitySchema<{ orderId: number; lock: string }>({
  name: 'jobs',
  columns: { orderId: { type: 'integer', primary: true }, lock: { type: 'varchar' } },
})
const Account = new EntitySchema<{ id: string; balance: number }>({
  name: 'accounts',
  columns: { id: { type: 'varchar', primary: true }, balance: { type: 'integer' } },
})

const url = process.env.DATABASE_URL as string
const entities = [Order, Job, Account]
const db = await new DataSource({ type: 'postgres', url, entities, synchronize: true }).initialize()
const pool = new pg.Pool({ connectionString: url })
pool.on('error', (error) => console.error('a connection broke while idle:', error.message))
const locks = new LockFactory(pgStore({ pool, autoCreateTable: true }))

await db.manager.insert(Account, [
  { id: 'ada', balance: 100 },
  { id: 'bob', balance: 100 },
])
await locks.createLock('order:42').isLocked() // creates the table of the locks, which no transaction does

// 1. A request writes an order, takes a lease on it and queues a job that holds the lease: all of it, or nothing.
await db.transaction(async (manager) => {
  const lock = locks.within(fromTypeOrm(manager)).createLock('order:42', '5m')
  if (!(await lock.acquireImmediately())) throw new Error('somebody else is at this order')
  await manager.insert(Order, { id: 42, status: 'new' })
  await manager.insert(Job, { orderId: 42, lock: JSON.stringify(lock.serialize()) })
})
console.log(await locks.createLock('order:42').isLocked()) // true

// 2. A worker, another process: the result is written and the lease released, or neither.
const job = await db.manager.findOneByOrFail(Job, { orderId: 42 })
await db.transaction(async (manager) => {
  const lock = locks.within(fromTypeOrm(manager)).restoreLock(JSON.parse(job.lock))
  await lock.release() // E_LOCK_NOT_OWNED, and a rollback, if the lease was lost
  await manager.update(Order, { id: 42 }, { status: 'paid' })
  await manager.delete(Job, { orderId: 42 })
})
console.log(await locks.createLock('order:42').isLocked()) // false

// 3. A transfer: both accounts are locked until the commit. Two that lock in opposite orders cannot deadlock.
await db.transaction(async (manager) => {
  const wanted = ['account:bob', 'account:ada']
  const locked = await locks.within(fromTypeOrm(manager)).lockUntilCommit(wanted, { timeout: '5s' })
  if (!locked) throw new Error('the accounts are busy')
  await manager.decrement(Account, { id: 'ada' }, 'balance', 30)
  await manager.increment(Account, { id: 'bob' }, 'balance', 30)
})
console.log((await db.manager.find(Account, { order: { id: 'asc' } })).map((account) => account.balance)) // [ 70, 130 ]

// 4. Long work under a lease, outside of any transaction. Its write is guarded: it commits only while the lease is ours.
const report = locks.createLock('report', '30s')
await report.acquire()
await locks.createLock('report').forceRelease() // somebody takes it away
const outcome = await db
  .transaction(async (manager) => {
    await report.guard(fromTypeOrm(manager))
    await manager.updateAll(Account, { balance: 0 })
  })
  .catch((error) => error)
console.log(isLockError(outcome, 'E_LOCK_LOST')) // true

await locks.close()
await pool.end()
await db.destroy()
