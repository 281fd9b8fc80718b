import { codeOf } from '../recorder.ts'
import type { WorkKind } from './work-kind.ts'

/** Acquire, extend and release by hand, as code does that cannot be a callback. */
export const leaseByHand: WorkKind = {
  name: 'lease by hand',
  weight: 15,
  async perform({ locks, record, anyKey, between, percent }) {
    const lock = locks.createLock(anyKey(), between(1_200, 3_000))
    const waitMs = percent(50) ? 0 : between(500, 5_000)
    const token = await record.acquire(lock, waitMs, () =>
      waitMs === 0 ? lock.acquireImmediately() : lock.acquire({ retry: { timeout: waitMs, delay: 3_000 } }),
    )
    if (token === undefined) return
    await record.holds({ lock, token }, between(0, 40))
    // An expired hold must not come back to life: now and then it is extended too late.
    if (percent(5)) await record.holds({ lock, token }, 3_200)
    if (percent(30)) {
      try {
        // Never for less than it has: the checker takes the latest deadline that it has heard of.
        await lock.extend(3_000)
        await record.holds({ lock, token }, between(0, 40))
      } catch (error) {
        record.lost({ lock, token }, codeOf(error))
      }
    }
    await record.release(lock, token)
  },
}
