import type { WorkKind } from './work-kind.ts'

/** A lease, and a write in a transaction that passes its guard. Now and then the lease is over when the transaction begins. */
export const guardedWrite: WorkKind = {
  name: 'guarded write',
  weight: 20,
  async perform({ locks, record, counter, between, percent, sleep, sleepWithin, transact, increment }) {
    const name = counter()
    const lock = locks.createLock(name, between(1_000, 2_000))
    const waitMs = percent(30) ? 0 : between(500, 5_000)
    const token = await record.acquire(lock, waitMs, () => lock.acquire({ retry: { timeout: waitMs, delay: 3_000 } }))
    if (token === undefined) return
    // The guard decides, and not the time that is left.
    await sleep(percent(6) ? between(1_500, 2_500) : between(0, 10))
    await transact(async (within) => {
      await lock.guard(within.transaction)
      await sleepWithin(percent(6) ? between(500, 1_500) : between(0, 5))
      await increment(within, name, token, 'guard')
    })
    await record.release(lock, token)
  },
}
