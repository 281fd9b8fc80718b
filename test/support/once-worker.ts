// node once-worker.ts ADDRESS-JSON lead|once KEY
// Takes part in an election, or runs something once in an hour, with a TTL of 1.5 s. Prints `at work TOKEN`, and works until it
// is killed; or `refused`.
import { setTimeout as sleep } from 'node:timers/promises'
import { LockFactory } from '../../src/index.ts'
import { openAddress } from './open-address.ts'

const [address = '', what = '', key = ''] = process.argv.slice(2)
const table = JSON.parse(address)
const opened = await openAddress(table)
const locks = new LockFactory(opened.store(table.tableName))
const ttl = 1_500
const work = async (token: number) => {
  console.log(`at work ${token}`)
  await sleep(60_000)
}

console.log('ready')
if (what === 'lead') await locks.elect(key, ({ term }) => work(term), { ttl })
else {
  const [ran] = await locks.runOncePer(key, '1h', ({ fencingToken }) => work(fencingToken), { ttl })
  if (!ran) console.log('refused')
}
await locks.close()
await opened.close()
