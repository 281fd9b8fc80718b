// node presence-hammer.ts ADDRESS-JSON COUNTERS MS [too-early]
// Adds to counters under leases of five minutes that end with this process, and complains of each that it was robbed of.
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { isLockError, type Lock, LockFactory } from '../../src/index.ts'
import type { TableAddress } from './contract-backend.ts'
import { breakDrivers, openPresent } from './present-stores.ts'

const [address, counters, ms, broken] = process.argv.slice(2) as [string, string, string, string?]
// Whoever is there counts as gone.
if (broken === 'too-early') {
  breakDrivers((sql) =>
    sql
      .replace(/pg_try_advisory_xact_lock_shared\(.*::bigint\)/g, 'true')
      .replace(/is_free_lock\(concat\(.*? using utf8mb4\)\)\)/g, '1'),
  )
}
const { store, db, end } = openPresent(JSON.parse(address) as TableAddress)
const locks = new LockFactory(store)
const table = sql.table(counters)
let losses = 0
store.presence?.onGone(() => {
  losses++
})

const endMs = performance.now() + Number(ms)
while (performance.now() < endMs) await addUnderLock(Math.floor(Math.random() * 4))
await locks.close()
await end()

async function addUnderLock(id: number): Promise<void> {
  const lock = locks.createLock(`counter ${id}`, '5m')
  const lossesBefore = losses
  // What is lost while it is won is lost to a presence that was there before.
  if (!(await lock.acquire({ retry: { timeout: '15s' } }))) return console.log(`waited in vain for ${id}`)
  const lossesAtGrant = losses
  try {
    // Not asked for later: a lost hold has none.
    const token = lock.fencingToken
    if (token !== null) await add(lock, id, token)
    await sleep(Math.random() * 10)
    await lock.release()
    console.log(`added ${id} ${lock.getOwner()}`)
  } catch (error) {
    const isLoss = isLockError(error, 'E_LOCK_LOST') || isLockError(error, 'E_LOCK_NOT_OWNED')
    if (!isLoss) return console.log(`failed: ${error}`)
    // The news of a lost connection may be on its way.
    for (let waits = 0; waits < 100 && losses === lossesAtGrant; waits++) await sleep(10)
    if (losses === lossesAtGrant && losses === lossesBefore) console.log(`robbed of ${id}: ${error}`)
  }
}

/** Reads, thinks, and writes: two at once would lose one. */
async function add(lock: Lock, id: number, token: number): Promise<void> {
  await lock.transaction(db, async (transaction) => {
    const { rows } = await sql<{ n: number }>`select n from ${table} where id = ${id}`.execute(transaction)
    await sleep(Math.random() * 5)
    await sql`update ${table} set n = ${Number(rows[0]?.n) + 1} where id = ${id}`.execute(transaction)
    await sql`insert into ${sql.table(`${counters}_grants`)} (id, token) values (${id}, ${token})`.execute(transaction)
  })
}
