// Locks in transactions of MikroORM, on Postgres. The other files here tell the same story with other libraries.
//   npm run build && DATABASE_URL=postgres://… node examples/transactions/mikro-orm.ts
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql'
import pg from 'pg'
import { isLockError, LockFactory } from 'verrou-sql'
import { fromMikroOrm } from 'verrou-sql/adapters/mikro-orm'
import { pgStore } from 'verrou-sql/drivers/pg'

const Order = defineEntity({
  name: 'Order',
  tableName: 'orders',
  properties: { id: p.integer().primary(), status: p.string() },
})
const Job = defineEntity({
  name: 'Job',
  tableName: 'jobs',
  properties: { orderId: p.integer().primary(), lock: p.text() },
})
const Account = defineEntity({
  name: 'Account',
  tableName: 'accounts',
  properties: { id: p.string().primary(), balance: p.integer() },
})

const url = process.env.DATABASE_URL as string
const orm = await MikroORM.init({ clientUrl: url, entities: [Order, Job, Account] })
const pool = new pg.Pool({ connectionString: url })
pool.on('error', (error) => console.error('a connection broke while idle:', error.message))
const locks = new LockFactory(pgStore({ pool, autoCreateTable: true }))

await orm.schema.create()
await orm.em.fork().insertMany(Account, [
  { id: 'ada', balance: 100 },
  { id: 'bob', balance: 100 },
])
await locks.createLock('order:42').isLocked() // creates the table of the locks, which no transaction does

// 1. A request writes an order, takes a lease on it and queues a job that holds the lease: all of it, or nothing.
await orm.em.transactional(async (em) => {
  const lock = locks.within(fromMikroOrm(em)).createLock('order:42', '5m')
  if (!(await lock.acquireImmediately())) throw new Error('somebody else is at this order')
  em.create(Order, { id: 42, status: 'new' })
  em.create(Job, { orderId: 42, lock: JSON.stringify(lock.serialize()) })
})
console.log(await locks.createLock('order:42').isLocked()) // true

// 2. A worker, another process: the result is written and the lease released, or neither.
await orm.em.transactional(async (em) => {
  const job = await em.findOneOrFail(Job, { orderId: 42 })
  const lock = locks.within(fromMikroOrm(em)).restoreLock(JSON.parse(job.lock))
  await lock.release() // E_LOCK_NOT_OWNED, and a rollback, if the lease was lost
  const order = await em.findOneOrFail(Order, { id: 42 })
  order.status = 'paid'
  em.remove(job)
})
console.log(await locks.createLock('order:42').isLocked()) // false

// 3. A transfer: both accounts are locked until the commit. Two that lock in opposite orders cannot deadlock.
await orm.em.transactional(async (em) => {
  const wanted = ['account:bob', 'account:ada']
  const locked = await locks.within(fromMikroOrm(em)).lockUntilCommit(wanted, { timeout: '5s' })
  if (!locked) throw new Error('the accounts are busy')
  const [ada, bob] = [await em.findOneOrFail(Account, { id: 'ada' }), await em.findOneOrFail(Account, { id: 'bob' })]
  ada.balance -= 30
  bob.balance += 30
})
console.log((await orm.em.fork().findAll(Account, { orderBy: { id: 'asc' } })).map((account) => account.balance)) // [ 70, 130 ]

// 4. Long work under a lease, outside of any transaction. Its write is guarded: it commits only while the lease is ours.
const report = locks.createLock('report', '30s')
await report.acquire()
await locks.createLock('report').forceRelease() // somebody takes it away
const outcome = await orm.em
  .transactional(async (em) => {
    await report.guard(fromMikroOrm(em))
    await em.nativeUpdate(Account, {}, { balance: 0 })
  })
  .catch((error) => error)
console.log(isLockError(outcome, 'E_LOCK_LOST')) // true

await locks.close()
await pool.end()
await orm.close()
