import { isLockError } from '../errors.ts'
import type { LastRun, LockFactory, LockInfo } from '../index.ts'

/** The last run of the key with `--once-per`; `null`: none is known, or the table is of a version that did not remember them. */
export async function lastRunOf(locks: LockFactory, key: string): Promise<LastRun | null> {
  try {
    return await locks.lastRun(key)
  } catch (error) {
    if (isLockError(error, 'E_SCHEMA_OUTDATED')) return null
    throw error
  }
}

/** Whether the run has ended, and its lock keeps others from the next one until its period is over. */
export function isRestOfPeriod({ acquiredAt }: LockInfo, lastRun: LastRun | null): boolean {
  return acquiredAt !== null && acquiredAt.getTime() === lastRun?.startedAt
}
