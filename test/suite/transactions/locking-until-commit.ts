import { expect, test } from 'vitest'
import type { LockUntilCommit } from '../../../src/index.ts'
import type { IsolationLevel } from '../../support/transactions/transaction-backend.ts'
import { rejection } from '../rejection.ts'
import { atOnce } from './at-once.ts'
import type { TransactionContext } from './transaction-context.ts'

/** Locks that live exactly as long as their transaction. */
export function lockingUntilCommit(context: TransactionContext, isolation: IsolationLevel | undefined): void {
  const { family } = context.backend
  const begin = () => context.begin({ isolation })
  const rowOf = async (key: string) => (await context.open.table.rows()).find((row) => row.key === key)

  test.each(['commit', 'rollback'] as const)('it is gone at %s, and no row stays held', async (how) => {
    for (const isKnown of [false, true]) {
      const key = context.key()
      if (isKnown) await context.locks.createLock(key).run(() => {})
      const before = await rowOf(key)
      const transaction = await begin()
      const locked = await transaction.locks.lockUntilCommit(key)
      expect(locked).toEqual({ key, fencingToken: expect.any(Number) })
      await transaction[how]()
      const after = await rowOf(key)
      if (how === 'rollback') expect(after).toEqual(before)
      else expect(after).toMatchObject({ owner: null, token: (locked as LockUntilCommit).fencingToken })
      expect(await context.locks.createLock(key).isLocked()).toBe(false)
      expect(await context.locks.createLock(key).acquireImmediately()).toBe(true)
    }
  })

  test('its token is higher than those before it, and lower than those after it', async () => {
    const key = context.key()
    const before = context.locks.createLock(key)
    await before.acquire()
    const tokens = [before.fencingToken]
    await before.release()
    for (let round = 0; round < 3; round++) {
      const transaction = await begin()
      tokens.push(((await transaction.locks.lockUntilCommit(key)) as LockUntilCommit).fencingToken)
      tokens.push(((await transaction.locks.lockUntilCommit(key)) as LockUntilCommit).fencingToken)
      await transaction.commit()
    }
    const after = context.locks.createLock(key)
    await after.acquire()
    tokens.push(after.fencingToken)
    expect(tokens).toEqual([...new Set(tokens)].toSorted((one, other) => Number(one) - Number(other)))
  })

  test('it is refused while somebody has a lease on the key', async () => {
    const key = context.key()
    const holder = context.locks.createLock(key)
    await holder.acquire()
    const transaction = await begin()
    expect(await atOnce(transaction.locks.lockUntilCommit(key, { timeout: 0 }))).toBe(false)
    expect(await transaction.send('select 1 as one')).toHaveLength(1)
    // Under SERIALIZABLE, MySQL locks what is read; SQLite's writers meet whoever writes.
    const locksWhatItReads = family === 'mysql' && isolation === 'serializable'
    if (!locksWhatItReads) await atOnce(holder.extend())
    await transaction.rollback()
    await holder.release()
  })

  test.runIf(family !== 'sqlite')(
    'it keeps leases and other transactions out, and they are refused at once',
    async () => {
      for (const isKnown of [false, true]) {
        const key = context.key()
        if (isKnown) await context.locks.createLock(key).run(() => {})
        const transaction = await begin()
        expect(await transaction.locks.lockUntilCommit(key)).toBeTruthy()
        expect(await atOnce(context.locks.createLock(key).acquireImmediately())).toBe(false)
        const other = await begin()
        expect(await atOnce(other.locks.lockUntilCommit(key, { timeout: 0 }))).toBe(false)
        expect(await other.send('select 1 as one')).toHaveLength(1)
        expect(await atOnce(other.locks.createLock(key).acquireImmediately())).toBe(false)
        await other.rollback()
        await transaction.commit()
        expect(await context.locks.createLock(key).acquireImmediately()).toBe(true)
      }
    },
  )

  test.runIf(family === 'sqlite')('it keeps every other writer of the file out', async () => {
    const key = context.key()
    const transaction = await begin()
    expect(await transaction.locks.lockUntilCommit(key)).toBeTruthy()
    const lease = context.locks.createLock(key).acquire({ retry: { timeout: 200 } })
    await rejection(lease, 'E_LOCK_STORAGE_ERROR')
    await transaction.commit()
    expect(await context.locks.createLock(key).acquire()).toBe(true)
  })

  test('several keys are locked at once, in the order given, each once', async () => {
    const [one, two] = [context.key(), context.key()]
    const transaction = await begin()
    const locked = await transaction.locks.lockUntilCommit([two, one, two])
    expect(locked ? locked.map(({ key }) => key) : locked).toEqual([two, one, two])
    await transaction.commit()
    expect(await context.locks.createLock(one).isLocked()).toBe(false)
  })

  test('of several keys one that is held refuses them all', async () => {
    const [one, two] = [context.key(), context.key()]
    const holder = context.locks.createLock(two)
    await holder.acquire()
    const transaction = await begin()
    expect(await atOnce(transaction.locks.lockUntilCommit([one, two], { timeout: 0 }))).toBe(false)
    await transaction.rollback()
    expect(await context.locks.createLock(one).acquireImmediately()).toBe(true)
  })

  test('a lease of the same transaction can follow it', async () => {
    const key = context.key()
    const transaction = await begin()
    const locked = (await transaction.locks.lockUntilCommit(key)) as LockUntilCommit
    const lock = transaction.locks.createLock(key)
    expect(await lock.acquireImmediately()).toBe(true)
    expect(lock.fencingToken).toBeGreaterThan(locked.fencingToken)
    expect(await transaction.locks.lockUntilCommit(key, { timeout: 0 })).toBe(false)
    await transaction.commit()
    expect(await context.locks.createLock(key).isLocked()).toBe(true)
  })

  test.runIf(family === 'postgres')('a rollback to an earlier savepoint ends it', async () => {
    const key = context.key()
    const transaction = await begin()
    await transaction.send('savepoint before_the_lock')
    expect(await transaction.locks.lockUntilCommit(key)).toBeTruthy()
    await transaction.send('rollback to savepoint before_the_lock')
    expect(await context.locks.createLock(key).acquireImmediately()).toBe(true)
    await transaction.rollback()
  })

  test('what is no key or no option is refused before anything is sent', async () => {
    const transaction = await begin()
    await rejection(transaction.locks.lockUntilCommit(''), 'E_INVALID_KEY')
    await rejection(transaction.locks.lockUntilCommit(['fine', '']), 'E_INVALID_KEY')
    await rejection(transaction.locks.lockUntilCommit([]), 'E_INVALID_OPTION')
    await rejection(transaction.locks.lockUntilCommit('k', { timeout: -1 }), 'E_INVALID_OPTION')
    await rejection(transaction.locks.lockUntilCommit('k', { ttl: 5 } as never), 'E_INVALID_OPTION')
    expect(await transaction.send('select 1 as one')).toHaveLength(1)
  })
}
