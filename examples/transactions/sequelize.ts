// Locks in transactions of Sequelize, on Postgres. The other files here tell the same story with other libraries.
//   npm run build && DATABASE_URL=postgres://… node examples/transactions/sequelize.ts
import pg from 'pg'
import { DataTypes, Sequelize } from 'sequelize'
import { isLockError, LockFactory } from 'verrou-sql'
import { fromSequelize } from 'verrou-sql/adapters/sequelize'
import { pgStore } from 'verrou-sql/drivers/pg'

const url = process.env.DATABASE_URL as string
const sequelize = new Sequelize(url, { logging: false, define: { timestamps: false } })
const pool = new pg.Pool({ connectionString: url })
pool.on('error', (error) => console.error('a connection broke while idle:', error.message))
const locks = new LockFactory(pgStore({ pool, autoCreateTable: true }))

const Order = sequelize.define('order', { status: DataTypes.STRING })
const Job = sequelize.define('job', { orderId: DataTypes.INTEGER, lock: DataTypes.STRING(500) })
const Account = sequelize.define('account', {
  id: { type: DataTypes.STRING, primaryKey: true },
  balance: DataTypes.INTEGER,
})
await sequelize.sync()
await Account.bulkCreate([
  { id: 'ada', balance: 100 },
  { id: 'bob', balance: 100 },
])
await locks.createLock('order:42').isLocked() // creates the table of the locks, which no transaction does

// 1. A request writes an order, takes a lease on it and queues a job that holds the lease: all of it, or nothing.
await sequelize.transaction(async (transaction) => {
  const lock = locks.within(fromSequelize(transaction)).createLock('order:42', '5m')
  if (!(await lock.acquireImmediately())) throw new Error('somebody else is at this order')
  await Order.create({ id: 42, status: 'new' }, { transaction })
  await Job.create({ orderId: 42, lock: JSON.stringify(lock.serialize()) }, { transaction })
})
console.log(await locks.createLock('order:42').isLocked()) // true

// 2. A worker, another process: the result is written and the lease released, or neither.
const job = await Job.findOne({ rejectOnEmpty: true })
await sequelize.transaction(async (transaction) => {
  const lock = locks.within(fromSequelize(transaction)).restoreLock(JSON.parse(job.get('lock') as string))
  await lock.release() // E_LOCK_NOT_OWNED, and a rollback, if the lease was lost
  await Order.update({ status: 'paid' }, { where: { id: 42 }, transaction })
  await job.destroy({ transaction })
})
console.log(await locks.createLock('order:42').isLocked()) // false

// 3. A transfer: both accounts are locked until the commit. Two that lock in opposite orders cannot deadlock.
await sequelize.transaction(async (transaction) => {
  const wanted = ['account:bob', 'account:ada']
  const locked = await locks.within(fromSequelize(transaction)).lockUntilCommit(wanted, { timeout: '5s' })
  if (!locked) throw new Error('the accounts are busy')
  await Account.decrement({ balance: 30 }, { where: { id: 'ada' }, transaction })
  await Account.increment({ balance: 30 }, { where: { id: 'bob' }, transaction })
})
console.log((await Account.findAll({ order: ['id'] })).map((account) => account.get('balance'))) // [ 70, 130 ]

// 4. Long work under a lease, outside of any transaction. Its write is guarded: it commits only while the lease is ours.
const report = locks.createLock('report', '30s')
await report.acquire()
await locks.createLock('report').forceRelease() // somebody takes it away
const outcome = await sequelize
  .transaction(async (transaction) => {
    await report.guard(fromSequelize(transaction))
    await Account.update({ balance: 0 }, { where: {}, transaction })
  })
  .catch((error) => error)
console.log(isLockError(outcome, 'E_LOCK_LOST')) // true

await locks.close()
await pool.end()
await sequelize.close()
