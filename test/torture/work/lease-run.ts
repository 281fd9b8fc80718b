import type { WorkKind } from './work-kind.ts'

/** `run` without renewals: mostly short, now and then for longer than its lease. */
export const leaseRun: WorkKind = {
  name: 'lease run',
  weight: 30,
  async perform({ locks, record, anyKey, between, percent }) {
    const waitMs = percent(30) ? 0 : between(500, 8_000)
    const lock = locks.createLock(anyKey(), between(1_200, 3_000))
    const workMs = percent(4) ? 3_500 : between(0, 40)
    record.asks(lock, waitMs)
    try {
      const [isGranted] = await lock.run(
        async ({ fencingToken, signal }) => {
          record.granted(lock, fencingToken, false)
          await record.holds({ lock, token: fencingToken, signal }, workMs)
          record.releases(lock.key, fencingToken)
        },
        { retry: { timeout: waitMs, delay: 3_000 } },
      )
      if (!isGranted) record.refused()
    } catch (error) {
      record.failed(error)
    }
  },
}
