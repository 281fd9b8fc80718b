// Locks in transactions of Prisma, on Postgres. The other files here tell the same story with other libraries.
//   npm run build && DATABASE_URL=postgres://… node examples/transactions/prisma.ts
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { isLockError, LockFactory } from 'verrou-sql'
import { fromPrisma, type PrismaTransactionLike } from 'verrou-sql/adapters/prisma'
import { pgStore } from 'verrou-sql/drivers/pg'

// An app has this in a file, runs `npx prisma generate` once, and gets the types of its models, too.
const PrismaClient = await generateClient(`
model Order {
  id     Int    @id
  status String
}

model Job {
  orderId Int    @id
  lock    String
}

model Account {
  id      String @id
  balance Int
}
`)

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
pool.on('error', (error) => console.error('a connection broke while idle:', error.message))
const db = new PrismaClient({ adapter: new PrismaPg(pool) })
const locks = new LockFactory(pgStore({ pool, autoCreateTable: true }))

await pool.query(`
create table "Order" (id integer primary key, status varchar(20));
create table "Job" ("orderId" integer primary key, lock varchar(500));
create table "Account" (id varchar(20) primary key, balance integer);
`)
await db.account.createMany({
  data: [
    { id: 'ada', balance: 100 },
    { id: 'bob', balance: 100 },
  ],
})
await locks.createLock('order:42').isLocked() // creates the table of the locks, which no transaction does

// 1. A request writes an order, takes a lease on it and queues a job that holds the lease: all of it, or nothing.
await db.$transaction(async (tx) => {
  const lock = locks.within(fromPrisma(tx)).createLock('order:42', '5m')
  if (!(await lock.acquireImmediately())) throw new Error('somebody else is at this order')
  await tx.order.create({ data: { id: 42, status: 'new' } })
  await tx.job.create({ data: { orderId: 42, lock: JSON.stringify(lock.serialize()) } })
})
console.log(await locks.createLock('order:42').isLocked()) // true

// 2. A worker, another process: the result is written and the lease released, or neither.
const job = await db.job.findFirstOrThrow()
await db.$transaction(async (tx) => {
  const lock = locks.within(fromPrisma(tx)).restoreLock(JSON.parse(job.lock))
  await lock.release() // E_LOCK_NOT_OWNED, and a rollback, if the lease was lost
  await tx.order.update({ where: { id: 42 }, data: { status: 'paid' } })
  await tx.job.delete({ where: { orderId: 42 } })
})
console.log(await locks.createLock('order:42').isLocked()) // false

// 3. A transfer: both accounts are locked until the commit. Two that lock in opposite orders cannot deadlock.
await db.$transaction(
  async (tx) => {
    const wanted = ['account:bob', 'account:ada']
    const locked = await locks.within(fromPrisma(tx)).lockUntilCommit(wanted, { timeout: '5s' })
    if (!locked) throw new Error('the accounts are busy')
    await tx.account.update({ where: { id: 'ada' }, data: { balance: { decrement: 30 } } })
    await tx.account.update({ where: { id: 'bob' }, data: { balance: { increment: 30 } } })
  },
  { timeout: 10_000 }, // Prisma's own is 5 seconds: it would end the transaction while that waits
)
console.log((await db.account.findMany({ orderBy: { id: 'asc' } })).map((account) => account.balance)) // [ 70, 130 ]

// 4. Long work under a lease, outside of any transaction. Its write is guarded: it commits only while the lease is ours.
const report = locks.createLock('report', '30s')
await report.acquire()
await locks.createLock('report').forceRelease() // somebody takes it away
const outcome = await db
  .$transaction(async (tx) => {
    await report.guard(fromPrisma(tx))
    await tx.account.updateMany({ data: { balance: 0 } })
  })
  .catch((error: unknown) => error)
console.log(isLockError(outcome, 'E_LOCK_LOST')) // true

await locks.close()
await db.$disconnect()
await pool.end()

async function generateClient(models: string): Promise<new (options: { adapter: PrismaPg }) => Client> {
  const folder = join(import.meta.dirname, '.cache/prisma')
  mkdirSync(folder, { recursive: true })
  const generator = `generator client {
  provider            = "prisma-client"
  output              = "./generated"
  moduleFormat        = "esm"
  importFileExtension = "ts"
}`
  const datasource = `datasource db {
  provider = "postgresql"
}`
  writeFileSync(join(folder, 'schema.prisma'), [generator, datasource, models].join('\n'))
  const prisma = createRequire(import.meta.url).resolve('prisma/build/index.js')
  // Only migrations need Prisma's engine: with a program given for it, none is downloaded.
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' }
  execFileSync(process.execPath, [prisma, 'generate', '--no-hints'], { cwd: folder, env })
  return (await import(join(folder, 'generated/client.ts'))).PrismaClient
}

/** In short, what the generated types say. */
interface Client extends Models {
  $transaction<Result>(work: (tx: Models) => Promise<Result>, options?: { timeout: number }): Promise<Result>
  $disconnect(): Promise<void>
}

interface Models extends PrismaTransactionLike {
  readonly order: Model<{ id: number; status: string }>
  readonly job: Model<{ orderId: number; lock: string }>
  readonly account: Model<{ id: string; balance: number }>
}

interface Model<Row> {
  create(options: { data: Row }): Promise<Row>
  createMany(options: { data: Row[] }): Promise<unknown>
  findFirstOrThrow(): Promise<Row>
  findMany(options: { orderBy: object }): Promise<Row[]>
  update(options: { where: Partial<Row>; data: object }): Promise<Row>
  updateMany(options: { data: Partial<Row> }): Promise<unknown>
  delete(options: { where: Partial<Row> }): Promise<Row>
}
