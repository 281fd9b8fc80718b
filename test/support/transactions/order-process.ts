// node order-process.ts ADDRESS-JSON TABLES ORDER ROLE STEP HOW
// ROLE handler: writes an order, takes a lease on it and queues a job with the serialized lease, in one transaction.
// ROLE worker: restores the lease out of the job, writes the result, deletes the job and releases, in one transaction.
// At STEP (counted from 0; -1: never) the process is killed or the transaction rolled back, as HOW says.
import { CompiledQuery } from 'kysely'
import { LockFactory } from '../../../src/index.ts'
import { openAddress } from '../open-address.ts'

const [address = '', tables = '', order = '0', role = '', stepText = '-1', how = ''] = process.argv.slice(2)
const table = JSON.parse(address)
const opened = await openAddress(table)
const locks = new LockFactory(opened.store(table.tableName))
const key = `order:${order}`

class WantedRollback extends Error {}

let steps = 0
async function step(work: () => Promise<unknown>): Promise<void> {
  await work()
  if (steps++ !== Number(stepText)) return
  if (how === 'rollback') throw new WantedRollback()
  process.kill(process.pid, 'SIGKILL')
  // The signal may arrive a moment later; nothing may happen until then.
  await new Promise(() => {})
}

const handle = () =>
  opened.db.transaction().execute(async (trx) => {
    const send = (text: string) => trx.executeQuery(CompiledQuery.raw(text))
    const lock = locks.within(trx).createLock(key, '5m')
    await step(() => send(`insert into ${tables}_orders (id) values (${order})`))
    await step(() => lock.acquireImmediately())
    const serialized = JSON.stringify(lock.serialize())
    await step(() => send(`insert into ${tables}_jobs (id, lease) values (${order}, '${serialized}')`))
  })

const work = async () => {
  const jobs = await opened.db.executeQuery(CompiledQuery.raw(`select lease from ${tables}_jobs where id = ${order}`))
  const [job] = jobs.rows as { lease: string }[]
  if (!job) return
  await opened.db.transaction().execute(async (trx) => {
    const send = (text: string) => trx.executeQuery(CompiledQuery.raw(text))
    const lock = locks.within(trx).restoreLock(JSON.parse(job.lease))
    await step(() => lock.guard(trx))
    await step(() => send(`insert into ${tables}_results (job) values (${order})`))
    await step(() => send(`delete from ${tables}_jobs where id = ${order}`))
    await step(() => lock.release())
  })
}

try {
  await (role === 'handler' ? handle() : work())
  console.log('committed')
  await step(async () => {})
} catch (error) {
  console.log(error instanceof WantedRollback ? 'rolled back' : `failed: ${(error as { code?: string }).code ?? error}`)
}
await locks.close()
await opened.close()
