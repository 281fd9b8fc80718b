// Locks in transactions of node-postgres, on Postgres. The other files here tell the same story with other libraries.
//   npm run build && DATABASE_URL=postgres://… node examples/transactions/pg.ts
import pg, { type PoolClient } from 'pg'
import { isLockError, LockFactory } from 'verrou-sql'
import { fromPg } from 'verrou-sql/adapters/pg'
import { pgStore } from 'verrou-sql/drivers/pg'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
pool.on('error', (error) => console.error('a connection broke while idle:', error.message))
const locks = new LockFactory(pgStore({ pool, autoCreateTable: true }))

await pool.query('create table orders (id integer, status varchar(20))')
await pool.query('create table jobs (order_id integer, lock varchar(500))')
await pool.query('create table accounts (id varchar(20), balance integer)')
await pool.query(`insert into accounts values ('ada', 100), ('bob', 100)`)
await locks.createLock('order:42').isLocked() // creates the table of the locks, which no transaction does

// 1. A request writes an order, takes a lease on it and queues a job that holds the lease: all of it, or nothing.
await transaction(async (client) => {
  const lock = locks.within(fromPg(client)).createLock('order:42', '5m')
  if (!(await lock.acquireImmediately())) throw new Error('somebody else is at this order')
  await client.query('insert into orders values (42, $1)', ['new'])
  await client.query('insert into jobs values (42, $1)', [JSON.stringify(lock.serialize())])
})
console.log(await locks.createLock('order:42').isLocked()) // true

// 2. A worker, another process: the result is written and the lease released, or neither.
const job = (await pool.query('select lock from jobs')).rows[0]
await transaction(async (client) => {
  const lock = locks.within(fromPg(client)).restoreLock(JSON.parse(job.lock))
  await lock.release() // E_LOCK_NOT_OWNED, and a rollback, if the lease was lost
  await client.query('update orders set status = $1 where id = 42', ['paid'])
  await client.query('delete from jobs where order_id = 42')
})
console.log(await locks.createLock('order:42').isLocked()) // false

// 3. A transfer: both accounts are locked until the commit. Two that lock in opposite orders cannot deadlock.
await transaction(async (client) => {
  const wanted = ['account:bob', 'account:ada']
  const locked = await locks.within(fromPg(client)).lockUntilCommit(wanted, { timeout: '5s' })
  if (!locked) throw new Error('the accounts are busy')
  await client.query('update accounts set balance = balance - 30 where id = $1', ['ada'])
  await client.query('update accounts set balance = balance + 30 where id = $1', ['bob'])
})
const { rows: accounts } = await pool.query('select balance from accounts order by id')
console.log(accounts.map((row) => row.balance)) // [ 70, 130 ]

// 4. Long work under a lease, outside of any transaction. Its write is guarded: it commits only while the lease is ours.
const report = locks.createLock('report', '30s')
await report.acquire()
await locks.createLock('report').forceRelease() // somebody takes it away
const outcome = await transaction(async (client) => {
  await report.guard(fromPg(client))
  await client.query('update accounts set balance = 0')
}).catch((error) => error)
console.log(isLockError(outcome, 'E_LOCK_LOST')) // true

await locks.close()
await pool.end()

/** What pg leaves to its users. */
async function transaction(work: (client: PoolClient) => Promise<void>): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await work(client)
    await client.query('commit')
    client.release()
  } catch (error) {
    await client.query('rollback').then(
      () => client.release(),
      () => client.release(true),
    )
    throw error
  }
}
