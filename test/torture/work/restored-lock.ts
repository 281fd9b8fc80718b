import { codeOf } from '../recorder.ts'
import type { WorkKind } from './work-kind.ts'

/** Of those that are left there. */
const LONGEST_TTL_MS = 4_000

/** Takes over a lock that another process has left in a table. */
export const restoredLock: WorkKind = {
  name: 'restored lock',
  weight: 8,
  async perform({ locks, record, between, percent, sleep, handoffs }) {
    const handoff = await handoffs.take()
    if (handoff === undefined) return
    const lock = locks.restoreLock(JSON.parse(handoff.serialized))
    const { token } = handoff
    // Only the database can tell that it has come too late: this process has never heard how long the lease lasts.
    if (percent(5)) await sleep(LONGEST_TTL_MS + 200)
    try {
      // Not for less than it was taken for: the checker takes the latest deadline that it has heard of.
      await lock.extend(4_000)
      await record.holds({ lock, token }, percent(10) ? between(500, 2_000) : between(0, 50))
    } catch (error) {
      // As it should be, if it has lain in the table for too long.
      record.lost({ lock, token }, codeOf(error))
    }
    await record.release(lock, token)
  },
}
