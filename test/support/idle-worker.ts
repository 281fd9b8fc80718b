// node idle-worker.ts ADDRESS-JSON
// Uses locks, leaves one held, closes its own connections, and is not told to exit.
import { LockFactory } from '../../src/index.ts'
import { openAddress } from './open-address.ts'

const table = JSON.parse(process.argv[2] ?? '')
const opened = await openAddress(table)
const locks = new LockFactory(opened.store(table.tableName))
await locks.createLock('idle:1', '5m').acquire()
await locks.createLock('idle:2', '5m').run(({ signal }) => signal.aborted)
await locks.createLock('idle:1').acquire({ retry: { attempts: 2, delay: 1 } })
await opened.close()
console.log('done')
