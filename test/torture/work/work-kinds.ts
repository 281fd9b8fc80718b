import { forceRelease } from './force-release.ts'
import { guardedWrite } from './guarded-write.ts'
import { keepAliveRun } from './keep-alive-run.ts'
import { leaseBurst } from './lease-burst.ts'
import { leaseByHand } from './lease-by-hand.ts'
import { leaseRun } from './lease-run.ts'
import { leaseWithin } from './lease-within.ts'
import { restoredLock } from './restored-lock.ts'
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
]
