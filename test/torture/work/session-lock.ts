import { codeOf } from '../recorder.ts'
import { COLD_SESSIONS, HOT_SESSIONS, SESSION_DELAYS_MS } from '../session-keys.ts'
import type { WorkKind } from './work-kind.ts'

/** A lock of this process's database session: by hand and with `run`, mostly short, now and then for longer than the news of a loss takes. */
export const sessionLock: WorkKind = {
  name: 'session lock',
  weight: 20,
  needs: 'locks of sessions',
  async perform({ locks, record, isPolled, between, percent }) {
    const keys = percent(50) ? HOT_SESSIONS : COLD_SESSIONS
    const key = keys[between(0, keys.length - 1)] as string
    const lock = locks.createLock(key, { strategy: 'session' })
    const waitMs = percent(30) ? 0 : between(500, 5_000)
    const workMs = percent(10) ? between(1_500, 3_000) : between(0, 60)
    const options = {
      retry:
        waitMs === 0 ? { attempts: 1 } : { timeout: waitMs, delay: SESSION_DELAYS_MS[isPolled ? 'polled' : 'told'] },
    }
    record.asksSession(key, waitMs)
    let isGranted = false
    try {
      if (percent(50)) {
        const [hasRun] = await lock.run(async ({ signal }) => {
          isGranted = true
          record.sessionGranted(key)
          await record.holdsSession({ key, isHeld: () => !signal.aborted }, workMs)
          record.sessionReleases(key)
        }, options)
        if (hasRun) record.sessionReleased(key, 'ok')
        else record.refused()
        return
      }
      if (!(await lock.acquire(options))) return record.refused()
      isGranted = true
      record.sessionGranted(key)
      await record.holdsSession({ key, isHeld: () => !lock.isExpired() }, workMs)
      record.sessionReleases(key)
      await lock.release()
      record.sessionReleased(key, 'ok')
    } catch (error) {
      if (isGranted) record.sessionReleased(key, codeOf(error))
      else record.failed(error)
    }
  },
}
