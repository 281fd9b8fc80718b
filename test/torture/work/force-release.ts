import { codeOf } from '../recorder.ts'
import type { WorkKind } from './work-kind.ts'

/** Somebody loses patience with whoever holds a key. */
export const forceRelease: WorkKind = {
  name: 'force release',
  weight: 1,
  async perform({ locks, record, anyKey }) {
    const key = anyKey()
    record.forces(key)
    try {
      await locks.createLock(key).forceRelease()
    } catch (error) {
      // Nobody held it, or the database is in trouble.
      if (codeOf(error) !== 'E_LOCK_NOT_OWNED') record.failed(error)
    }
  },
}
