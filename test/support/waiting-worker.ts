// node waiting-worker.ts ADDRESS-JSON KEY WAITERS WORK-MS
// Starts that many waiters for one key at once; each that is granted it works for so long. Prints `waiting` when all wait, and at
// the end the fencing tokens in the order of the grants, one line of JSON.
import { setTimeout as sleep } from 'node:timers/promises'
import { LockFactory } from '../../src/index.ts'
import { openAddress } from './open-address.ts'

const [address = '', key = '', waiters = '1', workMs = '0'] = process.argv.slice(2)
const table = JSON.parse(address)
const opened = await openAddress(table)
const locks = new LockFactory(opened.store(table.tableName))
const tokens: number[] = []
const waiting = Array.from({ length: Number(waiters) }, () =>
  locks.createLock(key, '30s').run(async ({ fencingToken }) => {
    tokens.push(fencingToken)
    await sleep(Number(workMs))
  }),
)
await sleep(200)
console.log('waiting')
const outcomes = await Promise.allSettled(waiting)
const failures = outcomes.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))
console.log(JSON.stringify({ tokens, failures }))
await locks.close()
await opened.close()
