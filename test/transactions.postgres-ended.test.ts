import pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { CallerTransaction, LockFactory } from '../src/index.ts'
import { rejection } from './suite/rejection.ts'
import { BACKENDS } from './support/backends.ts'
import { pgBackend } from './support/sql-backend.ts'

/** A library that sends on after the transaction's end, and does not know. */
function onClient(client: pg.Client): CallerTransaction {
  return {
    handle: {},
    async execute({ sql }, values) {
      const { rows, rowCount } = await client.query(sql, [...values])
      return { rows, affectedRows: rowCount ?? 0, insertId: 0 }
    },
  }
}

for (const { name, url } of BACKENDS.filter(({ family }) => family === 'postgres')) {
  describe(name, () => {
    test('locks of a transaction that has ended are refused, and leave nothing', async () => {
      const open = await pgBackend(name, url).open()
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      const locks: LockFactory = open.factory()
      const lock = locks.createLock('guarded')
      await lock.acquire()
      for (const end of ['commit', 'commit; begin']) {
        const transaction = onClient(client)
        await client.query('begin')
        expect(await locks.within(transaction).lockUntilCommit('first')).toBeTruthy()
        await client.query(end)
        await rejection(locks.within(transaction).createLock('late').acquire(), 'E_TRANSACTION_REQUIRED')
        await rejection(locks.within(transaction).lockUntilCommit('later'), 'E_TRANSACTION_REQUIRED')
        await rejection(lock.guard(transaction), 'E_TRANSACTION_REQUIRED')
        await client.query('commit')
        expect(await locks.createLock('late').isLocked()).toBe(false)
      }
      await client.end()
      await open.close()
    })
  })
}

test.runIf(!BACKENDS.some(({ family }) => family === 'postgres'))('nothing to test: no Postgres is selected', () => {})
