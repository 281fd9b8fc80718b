// node skewed-worker.ts ADDRESS-JSON DAYS SERIALIZED-LOCK-JSON
// Uses locks in a process whose wall clock was moved, and prints what it was told.
import { LockFactory } from '../../src/index.ts'
import { openAddress } from './open-address.ts'

const [address = '', days = '', serialized = ''] = process.argv.slice(2)
const table = JSON.parse(address)
const opened = await openAddress(table)
const locks = new LockFactory(opened.store(table.tableName))
const restored = locks.restoreLock(JSON.parse(serialized))
const free = locks.createLock(`free:${days}`, '30s')

const restoredBefore = restored.isExpired()
const answers = {
  heldByOther: await locks.createLock(`held:${days}`).acquireImmediately(),
  expiredOfOther: await locks.createLock(`expired:${days}`).acquireImmediately(),
  free: await free.acquireImmediately(),
  freeIsExpired: free.isExpired(),
  restoredBefore,
  restoredAfter: restored.isExpired(),
}
const remaining = [free.getRemainingTime(), restored.getRemainingTime()]
await restored.extend('30s')
await restored.release()
console.log(JSON.stringify({ clock: Date.now(), remaining, ...answers }))
await opened.close()
