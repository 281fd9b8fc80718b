import { expect, test } from 'vitest'
import type { LeaseHold, LockUntilCommit, TransactionStore } from '../../../src/index.ts'
import type { IsolationLevel } from '../../support/transactions/transaction-backend.ts'
import type { TransactionContext } from './transaction-context.ts'

const MINUTE_US = 60_000_000

/** Every condition of a statement on a transaction counts: what it names, it needs. */
export function conditionsWithin(context: TransactionContext, isolation: IsolationLevel | undefined): void {
  const begin = async () => {
    const transaction = await context.begin({ isolation })
    const within = context.open.table.store().within?.(transaction.transaction) as TransactionStore
    return { ...transaction, within }
  }
  const asking = (key: string, owner = 'owner') => {
    return { key, owner, attempt: `attempt of ${owner}`, ttlUs: MINUTE_US, heldBy: 'test' }
  }
  const held = async (key: string, owner = 'owner'): Promise<LeaseHold> => {
    const outcome = await context.open.table.store().tryAcquire(asking(key, owner))
    return outcome.granted ? { key, owner, token: outcome.token } : expect.fail('refused')
  }

  test('extend, release and guard need key, owner and token to match', async () => {
    const hold = await held(context.key())
    const other = await held(context.key(), 'another')
    const wrong: LeaseHold[] = [
      { ...hold, key: context.key() },
      { ...hold, key: other.key },
      { ...hold, owner: 'stranger' },
      { ...hold, token: hold.token + 1 },
    ]
    for (const one of wrong) {
      const { within, rollback } = await begin()
      expect(await within.extend(one, MINUTE_US)).toBeNull()
      expect(await within.release(one)).toBe(false)
      expect(await within.guard(one)).toBe(false)
      await rollback()
    }
    const { within, commit } = await begin()
    expect(await within.guard(hold)).toBe(true)
    expect(await within.extend(hold, MINUTE_US)).toBeGreaterThan(0)
    expect(await within.release(hold)).toBe(true)
    await commit()
  })

  test('holds with one owner and token on two keys do not answer for each other', async () => {
    const [first, second] = [await held(context.key()), await held(context.key())]
    await context.open.table.setToken(first.key, 77)
    await context.open.table.setToken(second.key, 77)
    const releasing = await begin()
    expect(await releasing.within.release({ ...first, token: 77 })).toBe(true)
    expect(await releasing.within.guard({ ...first, token: 77 })).toBe(false)
    await releasing.commit()
    const forcing = await begin()
    expect((await forcing.within.inspect(second.key))?.owner).toBe('owner')
    expect(await forcing.within.guard({ ...second, token: 77 })).toBe(true)
    await forcing.within.forceRelease(first.key)
    await forcing.within.abandon(first.key, asking(first.key).attempt)
    expect(await forcing.within.guard({ ...second, token: 77 })).toBe(true)
    await forcing.rollback()
  })

  test('only a live hold can be extended', async () => {
    const hold = await held(context.key())
    await context.open.table.pass(61_000)
    const { within, rollback } = await begin()
    expect(await within.extend(hold, MINUTE_US)).toBeNull()
    await rollback()
  })

  test('the same attempt again finds its own lease', async () => {
    const request = asking(context.key())
    const { within, rollback } = await begin()
    const first = await within.tryAcquire(request)
    const again = await within.tryAcquire(request)
    if (!first.granted || !again.granted) return expect.fail('refused')
    expect(again.token).toBeGreaterThanOrEqual(first.token)
    expect(await within.tryAcquire(asking(request.key, 'another'))).toMatchObject({ granted: false })
    expect(await within.abandon(request.key, 'no such attempt')).toBe(false)
    expect(await within.abandon(request.key, request.attempt)).toBe(true)
    expect(await within.tryAcquire(asking(request.key, 'another'))).toMatchObject({ granted: true })
    await rollback()
  })

  test('a token is one more than the last, or the time, whichever is later', async () => {
    const key = context.key()
    const { token: nowUs } = await held(key)
    await context.locks.createLock(key).forceRelease()
    for (const [last, least] of [
      [nowUs + 3_600_000_000, nowUs + 3_600_000_001],
      [5, nowUs],
    ] as const) {
      await context.open.table.setToken(key, last)
      const { locks, rollback } = await begin()
      const locked = (await locks.lockUntilCommit(key)) as LockUntilCommit
      expect(locked.fencingToken).toBeGreaterThanOrEqual(least)
      const lock = locks.createLock(key)
      await lock.acquire()
      expect(lock.fencingToken).toBeGreaterThan(locked.fencingToken)
      await rollback()
    }
  })
}
