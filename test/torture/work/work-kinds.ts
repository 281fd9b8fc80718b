import { forceRelease } from './force-release.ts'
import { guardedWrite } from './guarded-write.ts'
import { keepAliveRun } from './keep-alive-run.ts'
import { leaseBurst } from './lease-burst.ts'
import { leaseByHand } from './lease-by-hand.ts'
import { leaseRun } from './lease-run.ts'
import { leaseWithin } from './lease-within.ts'
import { presentLease } from './present-lease.ts'
import { restoredLock } from './restored-lock.ts'
import { sessionLock } from './session-lock.ts'
import { untilCommit } from './until-commit.ts'
import type { WorkKind } from './work-kind.ts'

/** All work there is. */
export const WORK_KINDS: readonly WorkKind[] = [
  leaseRun,
  leaseByHand,
  leaseBurst,
  keepAliveRun,
  guardedWrite,
  untilCommit,
  leaseWithin,
  restoredLock,
  forceRelease,
  sessionLock,
  presentLease,
]

/**
 * Work for a process, of these names.
 *
 * @param only all of it, if left out
 */
export function workFor(only: readonly string[] | undefined, hasSessionLocks: boolean): WorkKind[] {
  return WORK_KINDS.filter(({ name, needs }) => (only?.includes(name) ?? true) && (hasSessionLocks || !needs))
}
