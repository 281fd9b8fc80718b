import { expect, test } from 'vitest'
import type { IsolationLevel } from '../../support/transactions/transaction-backend.ts'
import { rejection } from '../rejection.ts'
import { atOnce } from './at-once.ts'
import type { TestTransaction, TransactionContext } from './transaction-context.ts'

/** What others can lock at once, nobody has locked. */
async function probe({ backend, open }: TransactionContext, key: string): Promise<unknown> {
  const column = backend.family === 'mysql' ? '`key`' : 'key'
  return open.table.send(
    `select token from ${open.table.address?.tableName} where ${column} = '${key}' for update nowait`,
  )
}

/** G10: a lease of a transaction commits or vanishes with it. */
export function leasesWithin(context: TransactionContext, isolation: IsolationLevel | undefined): void {
  const { family } = context.backend
  const begin = () => context.begin({ isolation })
  /** Under SERIALIZABLE, MySQL locks whatever is read. */
  const locksWhatItReads = family === 'mysql' && isolation === 'serializable'

  const expectNoLockOf = async (transaction: TestTransaction, key: string) => {
    if (family !== 'sqlite') expect(await probe(context, key)).toHaveLength(1)
    if (family !== 'postgres') return
    const own =
      "select locktype from pg_locks where pid = pg_backend_pid() and locktype in ('advisory', 'tuple') and mode <> 'SIReadLock'"
    expect(await transaction.send(own)).toEqual([])
  }

  test('a lease is there once the transaction commits, and whoever restores it can release it', async () => {
    const key = context.key()
    const transaction = await begin()
    const lock = transaction.locks.createLock(key, '30s')
    expect(await lock.acquireImmediately()).toBe(true)
    expect(lock.fencingToken).toBeGreaterThan(0)
    expect(lock.getRemainingTime()).toBeGreaterThan(20_000)
    await transaction.commit()

    expect(await context.locks.createLock(key).acquireImmediately()).toBe(false)
    const restored = context.locks.restoreLock(JSON.parse(JSON.stringify(lock.serialize())))
    await restored.extend()
    await restored.release()
    expect(await context.locks.createLock(key).acquireImmediately()).toBe(true)
  })

  test('rolled back, a lease on a new key never existed', async () => {
    const key = context.key()
    const transaction = await begin()
    expect(await transaction.locks.createLock(key).acquire()).toBe(true)
    await transaction.rollback()
    expect((await context.open.table.rows()).filter((row) => row.key === key)).toEqual([])
    expect(await context.locks.createLock(key).acquireImmediately()).toBe(true)
  })

  test('rolled back, a lease on a known key leaves the key as it was', async () => {
    const key = context.key()
    const earlier = context.locks.createLock(key)
    await earlier.acquire()
    const token = earlier.fencingToken as number
    await earlier.release()
    const transaction = await begin()
    const lock = transaction.locks.createLock(key)
    expect(await lock.acquire()).toBe(true)
    expect(lock.fencingToken).toBeGreaterThan(token)
    await transaction.rollback()
    const [row] = (await context.open.table.rows()).filter((one) => one.key === key)
    expect(row).toMatchObject({ owner: null, token })
    expect(await context.locks.createLock(key).acquireImmediately()).toBe(true)
  })

  test('lease and business write commit together, or not at all', async () => {
    for (const how of ['commit', 'rollback'] as const) {
      const key = context.key()
      const transaction = await begin()
      const lock = transaction.locks.createLock(key)
      expect(await lock.acquireImmediately()).toBe(true)
      await transaction.send(`insert into ${context.work} (id, body) values (1, '${lock.serialize().owner}')`)
      await transaction[how]()
      const rows = await context.open.table.send(`select body from ${context.work}`)
      expect(rows).toHaveLength(how === 'commit' ? 1 : 0)
      expect(await context.locks.createLock(key).isLocked()).toBe(how === 'commit')
      await context.open.table.send(`delete from ${context.work}`)
    }
  })

  test('the transaction itself sees its lease: it is locked, and a second one is refused', async () => {
    const key = context.key()
    const transaction = await begin()
    const lock = transaction.locks.createLock(key)
    expect(await lock.isLocked()).toBe(false)
    await lock.acquire()
    expect(await lock.isLocked()).toBe(true)
    expect(await transaction.locks.createLock(key).acquireImmediately()).toBe(false)
    await lock.release()
    expect(await lock.isLocked()).toBe(false)
    expect(await transaction.locks.createLock(key).acquireImmediately()).toBe(true)
  })

  test('extend, release and forceRelease are undone by a rollback, and done by a commit', async () => {
    const key = context.key()
    const holder = context.locks.createLock(key, '1m')
    await holder.acquire()

    const undone = await begin()
    const restored = undone.locks.restoreLock(holder.serialize())
    await restored.extend('5m')
    expect(restored.getRemainingTime()).toBeGreaterThan(240_000)
    await restored.release()
    await rejection(restored.release(), 'E_LOCK_NOT_OWNED')
    await undone.rollback()
    expect(await holder.isLocked()).toBe(true)

    const forced = await begin()
    await forced.locks.createLock(key).forceRelease()
    await forced.rollback()
    await holder.extend()

    const done = await begin()
    await done.locks.restoreLock(holder.serialize()).release()
    await done.commit()
    expect(await holder.isLocked()).toBe(false)
    await rejection(holder.release(), 'E_LOCK_NOT_OWNED')

    await holder.acquire()
    const evicting = await begin()
    await evicting.locks.createLock(key).forceRelease()
    await evicting.commit()
    await rejection(holder.extend(), 'E_LOCK_LOST')
  })

  test('a committed extension lasts', async () => {
    const key = context.key()
    const holder = context.locks.createLock(key, '10s')
    await holder.acquire()
    const transaction = await begin()
    await transaction.locks.restoreLock(holder.serialize()).extend('10m')
    await transaction.commit()
    await context.open.table.pass(60_000)
    expect(await context.locks.createLock(key).acquireImmediately()).toBe(false)
  })

  test('extending or releasing what is lost is the same error as outside', async () => {
    const key = context.key()
    const holder = context.locks.createLock(key, '10s')
    await holder.acquire()
    const serialized = holder.serialize()
    await context.open.table.pass(11_000)
    await context.locks.createLock(key).acquire()
    const transaction = await begin()
    await rejection(transaction.locks.restoreLock(serialized).extend(), 'E_LOCK_LOST')
    await rejection(transaction.locks.restoreLock(serialized).release(), 'E_LOCK_NOT_OWNED')
    await transaction.commit()
  })

  test('a lock without a token finds its hold within the transaction', async () => {
    const key = context.key()
    const holder = context.locks.createLock(key)
    await holder.acquire()
    const { token: _, ...verrous } = holder.serialize()
    const transaction = await begin()
    await transaction.locks.restoreLock(verrous).release()
    await transaction.commit()
    expect(await holder.isLocked()).toBe(false)
  })

  test('run releases within the transaction: nobody ever sees the lease', async () => {
    const key = context.key()
    const transaction = await begin()
    const [ran, result] = await transaction.locks.createLock(key).run(() => 'done')
    expect([ran, result]).toEqual([true, 'done'])
    await transaction.commit()
    expect(await context.locks.createLock(key).isLocked()).toBe(false)
  })

  test('a refused try leaves the transaction usable, and no lock that the holder would wait for', async () => {
    const key = context.key()
    const holder = context.locks.createLock(key)
    await holder.acquire()
    const transaction = await begin()
    expect(await atOnce(transaction.locks.createLock(key).acquireImmediately())).toBe(false)
    expect(await atOnce(transaction.locks.createLock(key).acquire({ retry: { timeout: 0 } }))).toBe(false)
    expect(Number(Object.values((await transaction.send('select 1 as one'))[0] ?? {})[0])).toBe(1)
    if (!locksWhatItReads) {
      await expectNoLockOf(transaction, key)
      await atOnce(holder.extend())
    }
    // In SQLite, whoever has read cannot write after somebody else has written.
    if (family !== 'sqlite') await transaction.send(`insert into ${context.work} (id, body) values (1, 'on it goes')`)
    await transaction.commit()
    if (family !== 'sqlite') expect(await context.open.table.send(`select body from ${context.work}`)).toHaveLength(1)
    await holder.release()
  })

  test.runIf(family !== 'sqlite')('others are refused at once while the transaction is open', async () => {
    for (const isKnown of [false, true]) {
      const key = context.key()
      if (isKnown) await context.locks.createLock(key).run(() => {})
      const transaction = await begin()
      expect(await transaction.locks.createLock(key).acquireImmediately()).toBe(true)
      expect(await atOnce(context.locks.createLock(key).acquireImmediately())).toBe(false)
      const other = await begin()
      expect(await atOnce(other.locks.createLock(key).acquireImmediately())).toBe(false)
      expect(await other.send('select 1 as one')).toHaveLength(1)
      await other.rollback()
      await transaction.rollback()
      expect(await context.locks.createLock(key).acquireImmediately()).toBe(true)
    }
  })

  test('a rollback to a savepoint takes a lease back; what comes after it stays', async () => {
    const [first, second] = [context.key(), context.key()]
    const transaction = await begin()
    await transaction.send('savepoint before_the_lease')
    expect(await transaction.locks.createLock(first).acquireImmediately()).toBe(true)
    await transaction.send('rollback to savepoint before_the_lease')
    expect(await transaction.locks.createLock(first).isLocked()).toBe(false)
    expect(await transaction.locks.createLock(second).acquireImmediately()).toBe(true)
    await transaction.commit()
    expect(await context.locks.createLock(first).isLocked()).toBe(false)
    expect(await context.locks.createLock(second).isLocked()).toBe(true)
  })
}
