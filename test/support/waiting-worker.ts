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
// The first one in line when it is refused, the others when they stand behind it. Who has never been refused does not wait out an outage.
let inLine = 0
locks.on('waiting', () => {
  if (++inLine === Number(waiters)) console.log('waiting')
})
const waiting = Array.from({ length: Number(waiters) }, () =>
  locks.createLock(key, '30s').run(async ({ fencingToken }) => {
    tokens.push(fencingToken)
    await sleep(Number(workMs))
  }),
)
const outcomes = await Promise.allSettled(waiting)
const failures = outcomes.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))
console.log(JSON.stringify({ tokens, failures }))
await locks.close()
await opened.close()
