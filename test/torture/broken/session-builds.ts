import type { LockStore, SessionStore, WakeSource } from '../../../src/index.ts'
import { breakStore } from './break-store.ts'
import type { BrokenBuild } from './broken-build.ts'
import { changed } from './changed.ts'
import { deaf } from './deaf.ts'

/** Of session locks. */
export const SESSION_BUILDS: readonly BrokenBuild[] = [
  {
    name: 'a session lock that the server was not asked for',
    families: ['postgres', 'mysql'],
    work: ['session lock'],
    caughtBy: ['session locks overlap', 'session locks that the server does not know'],
    breakStore: breakSessions(() => {
      let tokens = 0
      return {
        tryAcquire: async () => ({ granted: true, token: ++tokens, grantedAtUs: 0 }),
        release: async () => true,
        handOver: async () => ({ granted: false }),
        onLoss: () => {},
      }
    }),
  },
  {
    name: 'a session lock that outlives its session',
    families: ['postgres', 'mysql'],
    work: ['session lock'],
    faults: ['kill sessions', 'cut connections'],
    caughtBy: ['session locks overlap', 'session locks that the server does not know'],
    breakStore: breakSessions((session) => ({
      onLoss: () => {},
      release: async (hold) => {
        await session.release(hold)
        return true
      },
    })),
  },
  {
    name: 'a release of a session lock that nobody hears of',
    families: ['postgres'],
    work: ['session lock'],
    faults: [],
    caughtBy: ['waiters for session locks that were not served'],
    breakStore: breakSessions(({ wakeSource }) => ({ wakeSource: deaf(wakeSource as WakeSource) })),
  },
]

/** A store whose session locks do some things differently. */
function breakSessions(change: (session: SessionStore) => Partial<SessionStore>): (store: LockStore) => LockStore {
  return breakStore(({ session }) => (session ? { session: changed(session, change(session)) } : {}))
}
