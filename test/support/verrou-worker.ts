// node verrou-worker.ts ADDRESS-JSON COUNTER-FILE CYCLES
// Counts under locks of @verrou/core on a store of ours: reads a number from a file, and writes it back plus one.
import { readFileSync, writeFileSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { LockFactory } from '@verrou/core'
import { verrouStore } from '../../src/verrou/verrou-store.ts'
import { openAddress } from './open-address.ts'

const [address = '', counter = '', cycles = '0'] = process.argv.slice(2)
const table = JSON.parse(address)
const opened = await openAddress(table)
const driver = verrouStore(opened.store(table.tableName))
const lock = new LockFactory(driver.factory(), { retry: { delay: 3 } }).createLock('counter', '30s')

for (let cycle = 0; cycle < Number(cycles); cycle++) {
  const [ran] = await lock.run(async () => {
    const count = Number(readFileSync(counter, 'utf8'))
    await turn()
    writeFileSync(counter, String(count + 1))
  })
  if (!ran) throw new Error('not granted, though it waits for ever')
}
await driver.close()
await opened.close()
