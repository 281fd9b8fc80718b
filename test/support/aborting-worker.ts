// node --expose-gc aborting-worker.ts ADDRESS-JSON CALLS
// Makes that many calls of acquire, each aborted at a random moment, on a few keys that are held for moments. Prints what is left
// afterwards, as one line of JSON.
import { setTimeout as sleep } from 'node:timers/promises'
import { isLockError, LockFactory } from '../../src/index.ts'
import { openAddress } from './open-address.ts'

const [address = '', calls = '0'] = process.argv.slice(2)
const table = JSON.parse(address)
const opened = await openAddress(table)
const store = opened.store(table.tableName)
const locks = new LockFactory(store)
const KEYS = Array.from({ length: 5 }, (_, index) => `aborted:${index}`)
const AT_ONCE = 100
const counts = { granted: 0, aborted: 0, refused: 0, unheard: 0, failed: 0 }
let failure: unknown

async function call(index: number): Promise<void> {
  const abort = new AbortController()
  const lock = locks.createLock(KEYS[index % KEYS.length] as string, '60s')
  const whenMs = Math.random() ** 3 * 300
  if (index % 10 === 0) queueMicrotask(() => abort.abort('aborted'))
  else setTimeout(() => abort.abort('aborted'), whenMs)
  try {
    const isGranted = await lock.acquire({ signal: abort.signal, retry: { timeout: index % 3 === 0 ? 40 : null } })
    counts[isGranted ? 'granted' : 'refused']++
    if (!isGranted) return
    await sleep(Math.random() * 3)
    await lock.release()
  } catch (error) {
    if (error === 'aborted') counts.aborted++
    // Two connections for a hundred callers: some never hear of the database within their 40 ms.
    else if (isLockError(error, 'E_LOCK_STORAGE_ERROR') && error.details.timeoutMs === 40) counts.unheard++
    else {
      counts.failed++
      failure = error
    }
  }
}

async function make(many: number): Promise<void> {
  let next = 0
  const caller = async () => {
    while (next < many) await call(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, caller))
}

/** What keeps this process alive, and how much memory it uses, when everything has come to rest. */
async function left() {
  await sleep(6_000)
  globalThis.gc?.()
  await sleep(100)
  globalThis.gc?.()
  const timers = process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
  const sockets = process.getActiveResourcesInfo().filter((one) => /TCP/.test(one)).length
  return { timers, sockets, heapMb: process.memoryUsage().heapUsed / 2 ** 20 }
}

await make(1_000)
const before = await left()
await make(Number(calls))
const after = await left()
const stillHeld = []
for (const key of KEYS) if (!(await locks.createLock(key).acquireImmediately())) stillHeld.push(key)
await locks.close()
await opened.close()
console.log(JSON.stringify({ counts, before, after, stillHeld, failure: failure && String(failure) }))
