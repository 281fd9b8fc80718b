// Takes many leases of five minutes with a presence, says so, and waits for its end.
import { LockFactory } from '../../src/index.ts'
import type { TableAddress } from './contract-backend.ts'
import { openPresent } from './present-stores.ts'

const [address, count] = process.argv.slice(2) as [string, string]
const { store } = openPresent(JSON.parse(address) as TableAddress)
const locks = new LockFactory(store)
const keys = Array.from({ length: Number(count) }, (_, n) => `k${n}`)
await Promise.all(keys.map((key) => locks.createLock(key, '5m').acquire()))
console.log('holds')
setInterval(() => {}, 60_000)
