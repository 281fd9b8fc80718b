// node counting-worker.ts ADDRESS-JSON COUNTERS KEYS CYCLES
// Counts under locks: reads a number, and writes it back plus one, with no locking but ours.
import { CompiledQuery } from 'kysely'
import { LockFactory } from '../../src/index.ts'
import { openAddress } from './open-address.ts'

const [address = '', counters = '', keys = '1', cycles = '0'] = process.argv.slice(2)
const table = JSON.parse(address)
const opened = await openAddress(table)
const locks = new LockFactory(opened.store(table.tableName), { retry: { delay: 10 } })
const send = async (text: string) =>
  (await opened.db.executeQuery(CompiledQuery.raw(text))).rows as Record<string, unknown>[]

for (let cycle = 0; cycle < Number(cycles); cycle++) {
  const id = Math.floor(Math.random() * Number(keys))
  const [ran] = await locks.createLock(`counter:${id}`, '30s').run(async ({ fencingToken }) => {
    const [row] = await send(`select n, token from ${counters} where id = ${id}`)
    if (Number(row?.token) >= fencingToken) throw new Error(`token ${fencingToken} came after ${row?.token}`)
    await send(`update ${counters} set n = ${Number(row?.n) + 1}, token = ${fencingToken} where id = ${id}`)
  })
  if (!ran) throw new Error('not granted, though it waits for ever')
}
await locks.close()
await opened.close()
