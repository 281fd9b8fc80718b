import type { Check, Evidence, Violation } from '../evidence.ts'
import { growingTokens } from './growing-tokens.ts'
import { idleKeys } from './idle-keys.ts'
import { idleSessions } from './idle-sessions.ts'
import { lateAnswers } from './late-answers.ts'
import { lateWrites } from './late-writes.ts'
import { leftovers } from './leftovers.ts'
import { lostUpdates } from './lost-updates.ts'
import { overlappingBeliefs } from './overlapping-beliefs.ts'
import { overlappingHolds } from './overlapping-holds.ts'
import { robbedProcesses } from './robbed-processes.ts'
import { sessionOverlaps } from './session-overlaps.ts'
import { twoBelievers } from './two-believers.ts'
import { undoneReleases } from './undone-releases.ts'
import { unexpectedFailures } from './unexpected-failures.ts'
import { unexplainedEnds } from './unexplained-ends.ts'
import { unfinishedWorkers } from './unfinished-workers.ts'
import { unlockedSessions } from './unlocked-sessions.ts'
import { usableGrants } from './usable-grants.ts'

/** Everything that must be zero. */
export const CHECKS: readonly Check[] = [
  overlappingHolds,
  overlappingBeliefs,
  twoBelievers,
  robbedProcesses,
  sessionOverlaps,
  unlockedSessions,
  growingTokens,
  lateWrites,
  lostUpdates,
  unexplainedEnds,
  usableGrants,
  undoneReleases,
  idleKeys,
  idleSessions,
  lateAnswers,
  unexpectedFailures,
  leftovers,
  unfinishedWorkers,
]

/** What all of them find. */
export function violationsIn(evidence: Evidence): Violation[] {
  return CHECKS.flatMap((check) => check.find(evidence).map((what) => ({ check: check.name, what })))
}
