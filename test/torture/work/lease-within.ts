import { ChangedItsMind, type WorkKind } from './work-kind.ts'

/** A lease that is taken with a transaction and left in a table, for another process to work under. */
export const leaseWithin: WorkKind = {
  name: 'lease within a transaction',
  weight: 8,
  async perform({ locks, record, coldKey, between, percent, sleepWithin, transact, handoffs }) {
    await transact(async (within) => {
      const lock = locks.within(within.transaction).createLock(coldKey(), between(2_000, 4_000))
      const token = await record.acquire(lock, 0, () => lock.acquireImmediately(), true)
      if (token === undefined) throw new ChangedItsMind()
      await handoffs.put(within, { token, serialized: JSON.stringify(lock.serialize()) })
      await sleepWithin(between(0, 10))
      if (percent(20)) throw new ChangedItsMind()
    })
  },
}
