import { expect, test } from 'vitest'
import { isLockError } from '../../../src/index.ts'
import type { IsolationLevel } from '../../support/transactions/transaction-backend.ts'
import { rejection } from '../rejection.ts'
import { atOnce } from './at-once.ts'
import type { TestTransaction, TransactionContext } from './transaction-context.ts'

/** Errors before and after a lock, connections that die, transactions that cannot have a lock: never a hang. */
export function troubleWithin(context: TransactionContext, isolation: IsolationLevel | undefined): void {
  const { family } = context.backend
  const begin = () => context.begin({ isolation })
  const fail = (transaction: TestTransaction) => expect(transaction.send('select no_such_column')).rejects.toThrow()

  test('after an error of the caller, a lock is refused with a code, or granted where the transaction goes on', async () => {
    const key = context.key()
    const transaction = await begin()
    await fail(transaction)
    const calls: (() => Promise<unknown>)[] = [
      () => transaction.locks.createLock(key).acquire(),
      () => transaction.locks.lockUntilCommit(key),
      () => transaction.locks.createLock(key).isLocked(),
    ]
    for (const call of family === 'postgres' ? calls : []) await rejection(atOnce(call()), 'E_TRANSACTION_FAILED')
    if (family !== 'postgres') expect(await transaction.locks.createLock(key).acquireImmediately()).toBe(true)
    await transaction.rollback()
    expect(await context.locks.createLock(key).isLocked()).toBe(false)
  })

  test('after a lock, an error of the caller takes it along where it takes the transaction along', async () => {
    const [lease, locked] = [context.key(), context.key()]
    const transaction = await begin()
    expect(await transaction.locks.createLock(lease).acquireImmediately()).toBe(true)
    expect(await transaction.locks.lockUntilCommit(locked)).toBeTruthy()
    await fail(transaction)
    // Some libraries report that the commit was a rollback.
    await transaction.commit().catch(() => {})
    expect(await context.locks.createLock(lease).isLocked()).toBe(family !== 'postgres')
    expect(await context.locks.createLock(locked).acquire()).toBe(true)
  })

  test('a guard on a transaction that has failed is refused with its code', async () => {
    const lock = context.locks.createLock(context.key())
    await lock.acquire()
    const transaction = await begin()
    await fail(transaction)
    if (family === 'postgres') await rejection(atOnce(lock.guard(transaction.transaction)), 'E_TRANSACTION_FAILED')
    else await lock.guard(transaction.transaction)
    await transaction.rollback()
    await lock.release()
  })

  test.runIf(family === 'postgres')('a transaction that may only read is refused with its code', async () => {
    const lock = context.locks.createLock(context.key())
    await lock.acquire()
    const calls: ((transaction: TestTransaction) => Promise<unknown>)[] = [
      ({ locks }) => locks.createLock(context.key()).acquire(),
      ({ locks }) => locks.lockUntilCommit(context.key()),
      ({ transaction }) => lock.guard(transaction),
    ]
    for (const call of calls) {
      const transaction = await begin()
      await transaction.send('set transaction read only')
      await rejection(atOnce(call(transaction)), 'E_TRANSACTION_READ_ONLY')
      await transaction.rollback()
    }
  })

  test.runIf(family !== 'sqlite')('a connection that is killed takes its locks along', async () => {
    const [lease, locked] = [context.key(), context.key()]
    const transaction = await begin()
    expect(await transaction.locks.createLock(lease).acquireImmediately()).toBe(true)
    expect(await transaction.locks.lockUntilCommit(locked)).toBeTruthy()
    await kill(transaction)
    const error = await transaction.locks
      .createLock(context.key())
      .acquire({ retry: { timeout: '5s' } })
      .then(
        () => 'granted',
        (failed: unknown) => (isLockError(failed) ? failed.code : failed),
      )
    // A library that knows that its transaction is over may say so instead.
    expect(['E_LOCK_STORAGE_ERROR', 'E_TRANSACTION_REQUIRED', 'E_TRANSACTION_FAILED']).toContain(error)
    await transaction.rollback().catch(() => {})
    expect(await context.locks.createLock(lease).acquire({ retry: { delay: 20, timeout: '5s' } })).toBe(true)
    expect(await context.locks.createLock(locked).acquire({ retry: { delay: 20, timeout: '5s' } })).toBe(true)
  })

  test('no message contains the owner, which is a secret', async () => {
    const lock = context.locks.createLock(context.key())
    await lock.acquire()
    const { owner, ...serialized } = lock.serialize()
    await context.open.table.send(
      `alter table ${context.open.table.address?.tableName} rename to elsewhere_${context.work}`,
    )
    try {
      const transaction = await begin()
      const error = await rejection(
        transaction.locks.restoreLock({ owner, ...serialized }).release(),
        'E_SCHEMA_MISSING',
      )
      expect(error.message).not.toContain(owner)
      expect(error.message).not.toContain(Buffer.from(owner).toString('hex'))
      await transaction.rollback()
    } finally {
      await context.open.table.send(
        `alter table elsewhere_${context.work} rename to ${context.open.table.address?.tableName}`,
      )
    }
    await lock.release()
  })

  async function kill(transaction: TestTransaction): Promise<void> {
    const [row] = await transaction.send(
      family === 'postgres' ? 'select pg_backend_pid() as id' : 'select connection_id() as id',
    )
    const id = Number(Object.values(row ?? {})[0])
    await context.open.table.send(family === 'postgres' ? `select pg_terminate_backend(${id})` : `kill ${id}`)
  }
}
