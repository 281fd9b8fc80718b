import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { isLockError, type RunContext } from '../../../src/index.ts'
import type { IsolationLevel } from '../../support/transactions/transaction-backend.ts'
import { rejection } from '../rejection.ts'
import { atOnce } from './at-once.ts'
import type { TransactionContext } from './transaction-context.ts'

/** G3: a transaction that passed a guard and committed did so while its hold was current. */
export function guarding(context: TransactionContext, isolation: IsolationLevel | undefined): void {
  const { family } = context.backend
  const begin = () => context.begin({ isolation })
  const held = async (ttl = '30s') => {
    const lock = context.locks.createLock(context.key(), ttl)
    await lock.acquire()
    return lock
  }

  test('a current hold passes, once and again, and its write commits', async () => {
    const lock = await held()
    const transaction = await begin()
    await lock.guard(transaction.transaction)
    await lock.guard(transaction.transaction)
    await transaction.send(`insert into ${context.work} (id, body) values (1, 'guarded')`)
    await transaction.commit()
    expect(await context.open.table.send(`select body from ${context.work}`)).toHaveLength(1)
    await lock.extend()
    await lock.release()
  })

  test('a hold of `hold()` can be guarded, too', async () => {
    const held = await context.locks.createLock(context.key()).hold()
    const transaction = await begin()
    await held.guard(transaction.transaction)
    await transaction.commit()
    await context.locks.createLock(held.key).forceRelease()
    const late = await begin()
    await rejection(held.guard(late.transaction), 'E_LOCK_LOST')
    await rejection(held.guard(late.transaction), 'E_LOCK_LOST')
    await late.rollback()
    const released = await context.locks.createLock(context.key()).hold()
    await released.release()
    const another = await begin()
    await rejection(released.guard(another.transaction), 'E_LOCK_NOT_OWNED')
  })

  test('a hold that was taken over is E_LOCK_LOST', async () => {
    const lock = await held('10s')
    await context.open.table.pass(11_000)
    const thief = context.locks.createLock(lock.key)
    await thief.acquire()
    const transaction = await begin()
    await transaction.send(`insert into ${context.work} (id, body) values (1, 'too late')`)
    await rejection(lock.guard(transaction.transaction), 'E_LOCK_LOST')
    await transaction.rollback()
    await rejection(lock.extend(), 'E_LOCK_LOST')
    await thief.extend()
  })

  test('a hold that was released elsewhere, or by force, is E_LOCK_LOST', async () => {
    const released = await held()
    await context.locks.restoreLock(released.serialize()).release()
    const forced = await held()
    await context.locks.createLock(forced.key).forceRelease()
    for (const lock of [released, forced]) {
      const transaction = await begin()
      await rejection(lock.guard(transaction.transaction), 'E_LOCK_LOST')
      await transaction.rollback()
    }
  })

  test('a hold whose time is over passes if nobody has taken it, and nobody can before the end', async () => {
    const lock = await held('10s')
    await context.open.table.pass(11_000)
    const transaction = await begin()
    await lock.guard(transaction.transaction)
    const thief = context.locks.createLock(lock.key)
    if (family === 'sqlite')
      await rejection(thief.acquire({ retry: { attempts: 1, timeout: 100 } }), 'E_LOCK_STORAGE_ERROR')
    else expect(await atOnce(thief.acquireImmediately())).toBe(false)
    await transaction.commit()
    expect(await thief.acquire()).toBe(true)
  })

  test('a lease is kept alive across a transaction that guards it', async () => {
    const key = context.key()
    const work = async ({ lock, signal }: RunContext) => {
      const transaction = await begin()
      await lock.guard(transaction.transaction)
      await sleep(500)
      await transaction.commit()
      await sleep(900)
      return signal.aborted
    }
    const [ran, isAborted] = await context.locks.createLock(key, 1_200).run(work, { keepAlive: true })
    expect([ran, isAborted]).toEqual([true, false])
  })

  test('what was never held, or was released, is E_LOCK_NOT_OWNED', async () => {
    const lock = context.locks.createLock(context.key())
    const transaction = await begin()
    await rejection(lock.guard(transaction.transaction), 'E_LOCK_NOT_OWNED')
    const released = await held().then(async (one) => {
      await one.release()
      return one
    })
    await rejection(released.guard(transaction.transaction), 'E_LOCK_NOT_OWNED')
    await transaction.rollback()
  })

  test('a restored lock guards, with and without its token', async () => {
    const lock = await held()
    const { token: _, ...verrous } = lock.serialize()
    for (const serialized of [lock.serialize(), verrous]) {
      const transaction = await begin()
      await context.locks.restoreLock(serialized).guard(transaction.transaction)
      await transaction.locks.restoreLock(serialized).guard(transaction.transaction)
      await transaction.commit()
    }
  })

  test("extend never waits for its own guard's transaction", async () => {
    const lock = await held()
    const transaction = await begin()
    await lock.guard(transaction.transaction)
    const passes = family === 'postgres' && isolation === 'read committed'
    const outcome = await atOnce(
      lock.extend('1m').then(
        () => 'extended',
        (error: unknown) => (isLockError(error) ? error.code : error),
      ),
    )
    expect(outcome).toBe(passes ? 'extended' : 'E_LOCK_GUARDED')
    await transaction.commit()
    await lock.extend('2m')
    expect(lock.getRemainingTime()).toBeGreaterThan(100_000)
  })

  test('within the same transaction a guarded hold can be extended and released', async () => {
    const lock = await held()
    const transaction = await begin()
    await lock.guard(transaction.transaction)
    const within = transaction.locks.restoreLock(lock.serialize())
    await within.extend('5m')
    await within.release()
    await transaction.commit()
    expect(await lock.isLocked()).toBe(false)
  })

  test.runIf(family !== 'sqlite')('a forced release waits for the guard', async () => {
    const lock = await held()
    const transaction = await begin()
    await lock.guard(transaction.transaction)
    let isForced = false
    const forced = context.locks
      .createLock(lock.key)
      .forceRelease()
      .then(() => {
        isForced = true
      })
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(isForced).toBe(false)
    await transaction.commit()
    await forced
    await rejection(lock.extend(), 'E_LOCK_LOST')
  })

  test.runIf(family !== 'sqlite')('a guard waits for a release of its hold in an open transaction', async () => {
    const lock = await held()
    const releasing = await begin()
    await releasing.locks.restoreLock(lock.serialize()).release()
    const transaction = await begin()
    let isAnswered = false
    const guarded = lock
      .guard(transaction.transaction)
      .then(
        () => 'passed',
        (failed: unknown) => (isLockError(failed) ? failed.code : failed),
      )
      .finally(() => {
        isAnswered = true
      })
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(isAnswered).toBe(false)
    await releasing.commit()
    expect(['E_LOCK_LOST', 'E_TRANSACTION_CONFLICT']).toContain(await guarded)
    await transaction.rollback()
  })

  test.runIf(family === 'sqlite')('while somebody else writes, a guard is a conflict at once', async () => {
    const lock = await held()
    const writing = await begin()
    await writing.locks.lockUntilCommit(context.key())
    const transaction = await begin()
    await rejection(atOnce(lock.guard(transaction.transaction)), 'E_TRANSACTION_CONFLICT')
    await writing.rollback()
    await transaction.rollback()
  })

  test.runIf(family !== 'sqlite')('a snapshot from before the take-over does not let a guard pass', async () => {
    const lock = await held('10s')
    const transaction = await begin()
    await transaction.send(`select count(*) from ${context.work}`)
    await context.open.table.pass(11_000)
    await context.locks.createLock(lock.key).acquire()
    const error = await lock.guard(transaction.transaction).then(
      () => 'passed',
      (failed: unknown) => (isLockError(failed) ? failed.code : failed),
    )
    expect(['E_LOCK_LOST', 'E_TRANSACTION_CONFLICT']).toContain(error)
    await transaction.rollback()
  })

  test.runIf(family !== 'sqlite')('a snapshot from before a release elsewhere does not let a guard pass', async () => {
    const lock = await held()
    const transaction = await begin()
    await transaction.send(`select count(*) from ${context.work}`)
    await context.locks.restoreLock(lock.serialize()).release()
    const error = await lock.guard(transaction.transaction).then(
      () => 'passed',
      (failed: unknown) => (isLockError(failed) ? failed.code : failed),
    )
    expect(['E_LOCK_LOST', 'E_TRANSACTION_CONFLICT']).toContain(error)
    await transaction.rollback()
  })
}
