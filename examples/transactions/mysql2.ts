// Locks in transactions of mysql2, on MySQL. The other files here tell the same story with other libraries.
//   npm run build && DATABASE_URL=mysql://… node examples/transactions/mysql2.ts
import mysql, { type PoolConnection, type RowDataPacket } from 'mysql2/promise'
import { isLockError, LockFactory } from 'verrou-sql'
import { fromMysql2 } from 'verrou-sql/adapters/mysql2'
import { mysqlStore } from 'verrou-sql/drivers/mysql2'

const pool = mysql.createPool(process.env.DATABASE_URL as string)
const locks = new LockFactory(mysqlStore({ pool, autoCreateTable: true }))

await pool.query('create table orders (id integer, status varchar(20))')
await pool.query('create table jobs (order_id integer, `lock` varchar(500))')
await pool.query('create table accounts (id varchar(20), balance integer)')
await pool.query(`insert into accounts values ('ada', 100), ('bob', 100)`)
await locks.createLock('order:42').isLocked() // creates the table of the locks, which no transaction does

// 1. A request writes an order, takes a lease on it and queues a job that holds the lease: all of it, or nothing.
await transaction(async (trx) => {
  const lock = locks.within(fromMysql2(trx)).createLock('order:42', '5m')
  if (!(await lock.acquireImmediately())) throw new Error('somebody else is at this order')
  await trx.execute('insert into orders values (42, ?)', ['new'])
  await trx.execute('insert into jobs values (42, ?)', [JSON.stringify(lock.serialize())])
})
console.log(await locks.createLock('order:42').isLocked()) // true

// 2. A worker, another process: the result is written and the lease released, or neither.
const [[job]] = await pool.query<RowDataPacket[]>('select `lock` from jobs')
await transaction(async (trx) => {
  const lock = locks.within(fromMysql2(trx)).restoreLock(JSON.parse(job?.lock))
  await lock.release() // E_LOCK_NOT_OWNED, and a rollback, if the lease was lost
  await trx.execute('update orders set status = ? where id = 42', ['paid'])
  await trx.execute('delete from jobs where order_id = 42')
})
console.log(await locks.createLock('order:42').isLocked()) // false

// 3. A transfer: both accounts are locked until the commit. Two that lock in opposite orders cannot deadlock.
await transaction(async (trx) => {
  const wanted = ['account:bob', 'account:ada']
  const within = locks.within(fromMysql2(trx), { isolationLevel: 'read committed' }) // which MySQL does not tell
  const locked = await within.lockUntilCommit(wanted, { timeout: '5s' })
  if (!locked) throw new Error('the accounts are busy')
  await trx.execute('update accounts set balance = balance - 30 where id = ?', ['ada'])
  await trx.execute('update accounts set balance = balance + 30 where id = ?', ['bob'])
}, 'read committed') // at REPEATABLE READ, the default, it would have to run again
const [accounts] = await pool.query<RowDataPacket[]>('select balance from accounts order by id')
console.log(accounts.map((row) => row.balance)) // [ 70, 130 ]

// 4. Long work under a lease, outside of any transaction. Its write is guarded: it commits only while the lease is ours.
const report = locks.createLock('report', '30s')
await report.acquire()
await locks.createLock('report').forceRelease() // somebody takes it away
const outcome = await transaction(async (trx) => {
  await report.guard(fromMysql2(trx))
  await trx.execute('update accounts set balance = 0')
}).catch((error) => error)
console.log(isLockError(outcome, 'E_LOCK_LOST')) // true

await locks.close()
await pool.end()

/** What mysql2 leaves to its users. */
async function transaction(work: (trx: PoolConnection) => Promise<void>, isolation?: 'read committed'): Promise<void> {
  const connection = await pool.getConnection()
  try {
    if (isolation) await connection.query(`set transaction isolation level ${isolation}`)
    await connection.beginTransaction()
    await work(connection)
    await connection.commit()
  } catch (error) {
    await connection.rollback()
    throw error
  } finally {
    connection.release()
  }
}
