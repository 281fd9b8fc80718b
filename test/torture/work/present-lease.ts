import type { WorkKind } from './work-kind.ts'

const KEYS = 4

/**
 * A lease that outlasts every calm, unless it ends with its process: whoever waits for one of the dead is served in a calm, or presence does not work. Those
 * whose leases do not end with them have it for less, and keep it for that time though they are dead.
 */
export const presentLease: WorkKind = {
  name: 'lease that ends with its process',
  weight: 12,
  needs: 'locks of sessions',
  async perform({ locks, record, isPresent, between, percent }) {
    const ttlMs = isPresent ? between(8_000, 9_500) : between(1_200, 2_000)
    const lock = locks.createLock(`present:${between(1, KEYS)}`, ttlMs)
    const waitMs = percent(30) ? 0 : between(500, 5_000)
    const token = await record.acquire(lock, waitMs, () =>
      waitMs === 0 ? lock.acquireImmediately() : lock.acquire({ retry: { timeout: waitMs, delay: 3_000 } }),
    )
    if (token === undefined) return
    await record.holds({ lock, token }, percent(15) ? between(500, 2_500) : between(0, 40))
    await record.release(lock, token)
  },
}
