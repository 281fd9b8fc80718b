import type { WorkKind } from './work-kind.ts'

/** Work that takes longer than its TTL, and is kept alive. */
export const keepAliveRun: WorkKind = {
  name: 'keep-alive run',
  weight: 6,
  async perform({ locks, record, anyKey, coldKey, between, percent }) {
    const lock = locks.createLock(percent(15) ? anyKey() : coldKey(), between(1_000, 1_500))
    const waitMs = between(500, 5_000)
    record.asks(lock, waitMs)
    try {
      const [isGranted] = await lock.run(
        async ({ fencingToken, signal }) => {
          record.granted(lock, fencingToken, false)
          await record.holds({ lock, token: fencingToken, signal }, between(500, 3_500))
          record.releases(lock.key, fencingToken)
        },
        { retry: { timeout: waitMs, delay: 3_000 }, keepAlive: true, ...(percent(10) ? { maxHold: 2_000 } : {}) },
      )
      if (!isGranted) record.refused()
    } catch (error) {
      record.failed(error)
    }
  },
}
