import { ChangedItsMind, type WorkKind } from './work-kind.ts'

/** A lock that lives as long as the transaction. */
export const untilCommit: WorkKind = {
  name: 'lock until commit',
  weight: 15,
  async perform({ locks, record, counter, between, percent, sleepWithin, transact, increment }) {
    const name = counter()
    const waitMs = percent(50) ? 0 : between(200, 2_000)
    await transact(async (within) => {
      record.asksUntilCommit(name, waitMs)
      const lock = await locks
        .within(within.transaction)
        .lockUntilCommit(name, { timeout: waitMs })
        .catch((error) => {
          record.failed(error)
          throw error
        })
      if (lock === false) {
        record.refused()
        throw new ChangedItsMind()
      }
      record.grantedUntilCommit(name, lock.fencingToken)
      await sleepWithin(percent(5) ? between(200, 800) : between(0, 5))
      await increment(within, name, lock.fencingToken, 'until commit')
      if (percent(10)) throw new ChangedItsMind()
    })
  },
}
