import { expect, test } from 'vitest'
import type { IsolationLevel } from '../../support/transactions/transaction-backend.ts'
import type { TestTransaction, TransactionContext } from './transaction-context.ts'

const PREPARE = {
  postgres: 'prepare of_the_caller as select 1 as one',
  mysql: "prepare of_the_caller from 'select 1 as one'",
}

/** G9: what is the caller's stays as it was. */
export function nothingChanged(context: TransactionContext, isolation: IsolationLevel | undefined): void {
  const { family } = context.backend
  const begin = () => context.begin({ isolation })

  test('settings, savepoints, prepared statements and the search path are as they were', async () => {
    const holder = context.locks.createLock(context.key())
    await holder.acquire()
    const transaction = await begin()
    if (family !== 'sqlite') await transaction.send(PREPARE[family])
    await transaction.send('savepoint of_the_caller')
    const before = await settings(transaction)
    await useEverything(transaction, holder.key)
    await holder.guard(transaction.transaction)
    expect(await settings(transaction)).toEqual(before)
    await transaction.send('rollback to savepoint of_the_caller')
    await transaction.send('release savepoint of_the_caller')
    if (family !== 'sqlite') expect(await transaction.send('execute of_the_caller')).toHaveLength(1)
    await transaction.commit()
    await holder.release()
  })

  test('a frozen options object does, and so does a null prototype', async () => {
    const transaction = await begin()
    const retry = Object.freeze({ attempts: 1, delay: 5, timeout: '1s' })
    const options = Object.freeze({ retry })
    expect(await transaction.locks.createLock(context.key()).acquire(options)).toBe(true)
    const until = Object.freeze(Object.assign(Object.create(null), { timeout: '1s' }))
    expect(await transaction.locks.lockUntilCommit(context.key(), until)).toBeTruthy()
    expect(await transaction.locks.lockUntilCommit(Object.freeze([context.key()]), until)).toBeTruthy()
    await transaction.rollback()
  })

  test('keys are bytes here, too', async () => {
    const key = context.key()
    const transaction = await begin()
    for (const one of [`${key}:É`, `${key}:é`, `${key}:é `, `${key}:🔒`, `${key}:?$1:x`, `${key}:'"\\`]) {
      const lock = transaction.locks.createLock(one)
      expect(await lock.acquireImmediately()).toBe(true)
      expect(await lock.isLocked()).toBe(true)
    }
    await transaction.commit()
    expect(await context.locks.createLock(`${key}:🔒`).acquireImmediately()).toBe(false)
  })

  async function useEverything({ locks }: TestTransaction, heldKey: string): Promise<void> {
    const lock = locks.createLock(context.key())
    await lock.acquire()
    await lock.extend()
    await lock.isLocked()
    await lock.release()
    await lock.acquire()
    await lock.forceRelease()
    expect(await locks.createLock(heldKey).acquireImmediately()).toBe(false)
    await locks.lockUntilCommit([context.key(), context.key()])
  }

  async function settings(transaction: TestTransaction): Promise<unknown[]> {
    if (family === 'postgres') {
      return transaction.send('select name, setting from pg_settings order by name')
    }
    if (family === 'sqlite') return transaction.send('pragma busy_timeout')
    const variables = await transaction.send('show session variables')
    // What every statement changes.
    const moving =
      /timestamp|statement_id|last_insert_id|identity|rand_seed|pseudo|warning|error_count|in_transaction|gtid|histogram/i
    return variables.filter((row) => !moving.test(String(Object.values(row)[0])))
  }
}
