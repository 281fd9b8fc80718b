// node paused-holder.ts ADDRESS-JSON TABLE KEY WHEN
// Takes a lease for 700 ms and says so, so that somebody pauses it; writes when it goes on. WHEN it is paused: before it
// begins a transaction (`before`), in one that has not guarded yet (`within`), or after the guard (`guarded`).
import { setTimeout as sleep } from 'node:timers/promises'
import { CompiledQuery } from 'kysely'
import { LockFactory } from '../../../src/index.ts'
import { openAddress } from '../open-address.ts'

const [address = '', written = '', key = '', when = ''] = process.argv.slice(2)
const table = JSON.parse(address)
const opened = await openAddress(table)
const locks = new LockFactory(opened.store(table.tableName))
const lock = locks.createLock(key, 700)
await lock.acquire()

/** Whoever reads this sends SIGSTOP. Time enough for it to arrive. */
async function beingPaused(): Promise<void> {
  console.log('paused')
  await sleep(400)
}

try {
  if (when === 'before') await beingPaused()
  await opened.db.transaction().execute(async (trx) => {
    if (when === 'within') {
      await trx.executeQuery(CompiledQuery.raw(`select body from ${written}`))
      await beingPaused()
    }
    await lock.guard(trx)
    await trx.executeQuery(CompiledQuery.raw(`update ${written} set body = 'A' where id = 1`))
    if (when === 'guarded') await beingPaused()
  })
  console.log('outcome committed')
} catch (error) {
  console.log(`outcome ${(error as { code?: string }).code ?? error}`)
}
await locks.close()
await opened.close()
