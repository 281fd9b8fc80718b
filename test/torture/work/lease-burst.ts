import type { WorkKind } from './work-kind.ts'

/** Several leases at the same moment, some of one key, released together: what leaves in one statement. */
export const leaseBurst: WorkKind = {
  name: 'leases at the same moment',
  weight: 12,
  async perform({ locks, record, anyKey, coldKey, between }) {
    const keys = [anyKey(), anyKey(), anyKey(), ...Array.from({ length: between(3, 12) }, coldKey)]
    await Promise.all(
      keys.map(async (key, part) => {
        const recordPart = record.part(part)
        const lock = locks.createLock(key, 3_000)
        const token = await recordPart.acquire(lock, 0, () => lock.acquireImmediately())
        if (token === undefined) return
        if (await recordPart.holds({ lock, token }, 20)) await recordPart.release(lock, token)
      }),
    )
  },
}
