// Locks in transactions of Knex, on Postgres. The other files here tell the same story with other libraries.
//   npm run build && DATABASE_URL=postgres://… node examples/transactions/knex.ts
import createKnex from 'knex'
import pg from 'pg'
import { isLockError, LockFactory } from 'verrou-sql'
import { fromKnex } from 'verrou-sql/adapters/knex'
import { pgStore } from 'verrou-sql/drivers/pg'

const url = process.env.DATABASE_URL as string
const knex = createKnex({ client: 'pg', connection: url })
const pool = new pg.Pool({ connectionString: url })
pool.on('error', (error) => console.error('a connection broke while idle:', error.message))
const locks = new LockFactory(pgStore({ pool, autoCreateTable: true }))

await knex.raw('create table orders (id integer, status varchar(20))')
await knex.raw('create table jobs (order_id integer, lock varchar(500))')
await knex.raw('create table accounts (id varchar(20), balance integer)')
await knex('accounts').insert([
  { id: 'ada', balance: 100 },
  { id: 'bob', balance: 100 },
])
await locks.createLock('order:42').isLocked() // creates the table of the locks, which no transaction does

// 1. A request writes an order, takes a lease on it and queues a job that holds the lease: all of it, or nothing.
await knex.transaction(async (trx) => {
  const lock = locks.within(fromKnex(trx)).createLock('order:42', '5m')
  if (!(await lock.acquireImmediately())) throw new Error('somebody else is at this order')
  await trx('orders').insert({ id: 42, status: 'new' })
  await trx('jobs').insert({ order_id: 42, lock: JSON.stringify(lock.serialize()) })
})
console.log(await locks.createLock('order:42').isLocked()) // true

// 2. A worker, another process: the result is written and the lease released, or neither.
const job = await knex('jobs').first()
await knex.transaction(async (trx) => {
  const lock = locks.within(fromKnex(trx)).restoreLock(JSON.parse(job.lock))
  await lock.release() // E_LOCK_NOT_OWNED, and a rollback, if the lease was lost
  await trx('orders').where({ id: 42 }).update({ status: 'paid' })
  await trx('jobs').where({ order_id: 42 }).delete()
})
console.log(await locks.createLock('order:42').isLocked()) // false

// 3. A transfer: both accounts are locked until the commit. Two that lock in opposite orders cannot deadlock.
await knex.transaction(async (trx) => {
  const wanted = ['account:bob', 'account:ada']
  const locked = await locks.within(fromKnex(trx)).lockUntilCommit(wanted, { timeout: '5s' })
  if (!locked) throw new Error('the accounts are busy')
  await trx('accounts').where({ id: 'ada' }).decrement('balance', 30)
  await trx('accounts').where({ id: 'bob' }).increment('balance', 30)
})
console.log(await knex('accounts').orderBy('id').pluck('balance')) // [ 70, 130 ]

// 4. Long work under a lease, outside of any transaction. Its write is guarded: it commits only while the lease is ours.
const report = locks.createLock('report', '30s')
await report.acquire()
await locks.createLock('report').forceRelease() // somebody takes it away
const outcome = await knex
  .transaction(async (trx) => {
    await report.guard(fromKnex(trx))
    await trx('accounts').update({ balance: 0 })
  })
  .catch((error) => error)
console.log(isLockError(outcome, 'E_LOCK_LOST')) // true

await locks.close()
await pool.end()
await knex.destroy()
