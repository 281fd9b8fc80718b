import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runChild } from './support/child.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { tableBackends } from './support/contract-backends.ts'
import { openTransaction } from './support/open-transaction.ts'

const PROCESSES = 8
const CYCLES = 200

for (const backend of tableBackends()) {
  describe(`${backend.name}: 8 processes × 200 cycles`, () => {
    let open: OpenBackend
    beforeAll(async () => {
      open = await backend.open()
    })
    afterAll(() => open.close())

    for (const keys of [1, 50]) {
      test(`a counter without locking of its own ends exact on ${keys} key(s), tokens only grow`, {
        timeout: 120_000,
      }, async () => {
        const counters = `${open.address?.tableName}_n${keys}`
        await open.send(`create table ${counters} (id integer primary key, n bigint not null, token bigint not null)`)
        for (let id = 0; id < keys; id++) await open.send(`insert into ${counters} values (${id}, 0, 0)`)

        const args = [JSON.stringify(open.address), counters, String(keys), String(CYCLES)]
        const ended = await Promise.all(Array.from({ length: PROCESSES }, () => runChild('counting-worker.ts', args)))

        expect(ended.map(({ code, output }) => `${code} ${output}`.trim())).toEqual(Array(PROCESSES).fill('0'))
        const counted = await open.send(`select n from ${counters}`)
        expect(counted.reduce((sum, { n }) => sum + Number(n), 0)).toBe(PROCESSES * CYCLES)
        await open.send(`drop table ${counters}`)
        expect((await open.rows()).filter(({ owner }) => owner !== null)).toEqual([])
        expect(await leftBehind(open)).toEqual({ busySessions: 0 })
      })
    }
  })
}

/** Sessions that are still busy with our table, and whether any of its rows is locked, as another transaction finds out. */
async function leftBehind({ address, send }: OpenBackend) {
  if (!address || address.family === 'sqlite') {
    // A file has no books; whoever held its lock would make this fail.
    await send('begin immediate')
    await send('commit')
    return { busySessions: 0 }
  }
  const probe = await openTransaction(address)
  await probe.send(`select * from ${address.tableName} for update nowait`)
  await probe.end('rollback')
  const busy =
    address.family === 'postgres'
      ? `select count(*) as n from pg_stat_activity where query like '%${address.tableName}%' and pid <> pg_backend_pid() and state <> 'idle'`
      : `select count(*) as n from information_schema.processlist where info like '%${address.tableName}%' and id <> connection_id()`
  return { busySessions: Number((await send(busy))[0]?.n) }
}
