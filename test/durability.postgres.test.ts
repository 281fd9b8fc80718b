import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pgStore } from '../src/drivers/pg.ts'
import { LockFactory } from '../src/index.ts'
import { schemaStatements } from '../src/schema/create-migrations.ts'
import { isSelected } from './servers/selection.ts'
import { preparePostgres } from './torture/servers/prepare-postgres.ts'
import type { RestartableServer } from './torture/servers/restartable-server.ts'

/**
 * What is on the disk when a call comes back, told by killing the server (-9, all of it) at that moment: what was only in its memory is gone. Its
 * writer of the log, which would bring it to the disk by and by, comes every ten seconds only.
 */
describe.runIf(isSelected('postgres-18')).each([{ batch: true }, { batch: false }])('%o', ({ batch }) => {
  let server: RestartableServer
  let pool: pg.Pool
  let locks: LockFactory

  beforeAll(async () => {
    server = await preparePostgres('postgres-18', { wal_writer_delay: '10s', wal_writer_flush_after: '1GB' })
    await server.start()
    open()
    for (const sql of schemaStatements('postgres', {})) await pool.query(sql)
  })
  afterAll(async () => {
    await close()
    await server.process.stop()
  })

  const open = () => {
    pool = new pg.Pool({ connectionString: server.url })
    pool.on('error', () => {})
    locks = new LockFactory(pgStore({ pool, batch }))
  }
  const close = async () => {
    await locks.close()
    await pool.end()
  }
  const killAndRestart = async () => {
    await server.process.end('SIGKILL')
    await close()
    await server.start()
    open()
  }
  const isLocked = (key: string) => locks.createLock(key).isLocked()
  const acquire = async (keys: readonly string[]) => {
    const all = keys.map((key) => locks.createLock(key, '10m'))
    expect(await Promise.all(all.map((lock) => lock.acquireImmediately()))).toEqual(keys.map(() => true))
    return all
  }

  test('what was granted is held after a kill at once, in a known row and in a new one', async () => {
    const keys = ['granted-1', 'granted-2', 'granted-3']
    for (let round = 0; round < 2; round++) {
      const all = await acquire(keys)
      await killAndRestart()
      expect(await Promise.all(keys.map(isLocked))).toEqual([true, true, true])
      await Promise.all(all.map(({ key }) => locks.createLock(key).forceRelease()))
    }
  })

  test('an extension that was confirmed is in force after a kill at once', async () => {
    const [lock] = await acquire(['extended'])
    await lock?.extend('50m')
    await killAndRestart()
    const { rows } = await pool.query(
      `select expires_at - extract(epoch from clock_timestamp()) * 1000000 > 2400000000 as is_extended from verrou_locks where key = 'extended'`,
    )
    expect(rows).toEqual([{ is_extended: true }])
  })

  test('a release has not waited for the disk: a kill at once undoes it, and the key is free when its TTL ends', async () => {
    const [first, ...others] = await acquire(['released-1', 'released-2', 'released-3'])
    // Wakes the writer of the log, which from then on sleeps.
    await first?.release()
    await sleep(300)
    await Promise.all(others.map((lock) => lock.release()))
    expect(await Promise.all(others.map(({ key }) => isLocked(key)))).toEqual([false, false])
    await killAndRestart()
    expect(await Promise.all(others.map(({ key }) => isLocked(key)))).toEqual([true, true])
  })
})
