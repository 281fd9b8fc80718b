// Locks in transactions of better-sqlite3, on SQLite. The other files here tell the same story with other libraries.
//   npm run build && node examples/transactions/better-sqlite3.ts
import Database from 'better-sqlite3'
import { isLockError, LockFactory } from 'verrou-sql'
import { fromBetterSqlite3 } from 'verrou-sql/adapters/better-sqlite3'
import { sqliteStore } from 'verrou-sql/drivers/better-sqlite3'

// Two connections to one file: locks outside of a transaction must not get into it.
const db = new Database('transactions.db')
const lockDb = new Database('transactions.db')
for (const one of [db, lockDb]) one.pragma('journal_mode = wal')
const locks = new LockFactory(sqliteStore({ database: lockDb, autoCreateTable: true }))

db.exec(`
create table orders (id integer, status text);
create table jobs (order_id integer, lock text);
create table accounts (id text, balance integer);
insert into accounts values ('ada', 100), ('bob', 100);
`)
await locks.createLock('order:42').isLocked() // creates the table of the locks, which no transaction does

// 1. A request writes an order, takes a lease on it and queues a job that holds the lease: all of it, or nothing.
await transaction(async () => {
  const lock = locks.within(fromBetterSqlite3(db)).createLock('order:42', '5m')
  if (!(await lock.acquireImmediately())) throw new Error('somebody else is at this order')
  db.prepare('insert into orders values (42, ?)').run('new')
  db.prepare('insert into jobs values (42, ?)').run(JSON.stringify(lock.serialize()))
})
console.log(await locks.createLock('order:42').isLocked()) // true

// 2. A worker, another process: the result is written and the lease released, or neither.
const job = db.prepare<[], { lock: string }>('select lock from jobs').get()
await transaction(async () => {
  const lock = locks.within(fromBetterSqlite3(db)).restoreLock(JSON.parse(job?.lock as string))
  await lock.release() // E_LOCK_NOT_OWNED, and a rollback, if the lease was lost
  db.prepare('update orders set status = ? where id = 42').run('paid')
  db.prepare('delete from jobs where order_id = 42').run()
})
console.log(await locks.createLock('order:42').isLocked()) // false

// 3. A transfer: both accounts are locked until the commit. The file has one writer at a time, so nobody waits here.
await transaction(async () => {
  const locked = await locks.within(fromBetterSqlite3(db)).lockUntilCommit(['account:bob', 'account:ada'])
  if (!locked) throw new Error('the accounts are busy')
  db.prepare('update accounts set balance = balance - 30 where id = ?').run('ada')
  db.prepare('update accounts set balance = balance + 30 where id = ?').run('bob')
})
console.log(db.prepare('select balance from accounts order by id').pluck().all()) // [ 70, 130 ]

// 4. Long work under a lease, outside of any transaction. Its write is guarded: it commits only while the lease is ours.
const report = locks.createLock('report', '30s')
await report.acquire()
await locks.createLock('report').forceRelease() // somebody takes it away
const outcome = await transaction(async () => {
  await report.guard(fromBetterSqlite3(db))
  db.prepare('update accounts set balance = 0').run()
}).catch((error) => error)
console.log(isLockError(outcome, 'E_LOCK_LOST')) // true

await locks.close()
db.close()
lockDb.close()

/** What `db.transaction` is for synchronous work. While it is open, whatever else uses `db` is part of it. */
async function transaction(work: () => Promise<void>): Promise<void> {
  db.exec('begin immediate')
  try {
    await work()
    db.exec('commit')
  } catch (error) {
    if (db.inTransaction) db.exec('rollback')
    throw error
  }
}
