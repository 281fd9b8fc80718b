import { SEATS } from './acts.ts'
import type { ActResult } from './play-act.ts'
import type { Hold } from './worker.ts'

/** Lets a loaded machine be late. */
const SLACK_MS = 1_000
/** The clock of a database may run a little slower or faster than that of this machine. */
const CLOCK_TOLERANCE_MS = 20

/** Tickets beyond one for every seat. */
export function oversoldIn({ count }: ActResult): number {
  return count.tickets - count.takenSeats
}

/** Sales that the counter of the seats left does not know of, because another worker wrote over them. */
export function lostUpdatesIn({ count }: ActResult): number {
  return count.tickets - (SEATS - count.seatsLeft)
}

/** The first hold after the one that ended with a kill. */
export function nextHoldIn({ holds, kill }: ActResult): Hold | undefined {
  return kill ? holds.find((hold) => hold.fromMs > kill.hold.fromMs) : undefined
}

/** What is wrong with the numbers of an act, in words; empty when all is as it must be. */
export function problemsIn(result: ActResult): string[] {
  const problems = result.act.lock
    ? [...wrongNumbers(result), ...wrongTokens(result), ...wrongTakeover(result)]
    : noOversale(result)
  return problems.map((problem) => `act ${result.act.number}: ${problem}`)
}

function noOversale(result: ActResult): string[] {
  return oversoldIn(result) > 0 ? [] : ['nothing was oversold without a lock, so this demo has shown nothing']
}

function wrongNumbers(result: ActResult): string[] {
  const { tickets, takenSeats, seatsLeft } = result.count
  const lost = lostUpdatesIn(result)
  return [
    ...(tickets === SEATS ? [] : [`${tickets} tickets were sold for ${SEATS} seats`]),
    ...(takenSeats === SEATS ? [] : [`${takenSeats} seats of ${SEATS} were sold`]),
    ...(seatsLeft === 0 ? [] : [`${seatsLeft} seats are left`]),
    ...(lost === 0 ? [] : [`${lost} updates are lost`]),
  ]
}

function wrongTokens({ holds }: ActResult): string[] {
  const falls = holds.filter(({ token }, index) => token <= (holds[index - 1]?.token ?? 0))
  return falls.length === 0 ? [] : [`${falls.length} fencing tokens are not higher than the one granted before`]
}

function wrongTakeover(result: ActResult): string[] {
  const { act, kill } = result
  if (!act.lock || !act.kill) return []
  const next = nextHoldIn(result)
  if (!kill) return ['no worker was killed']
  if (kill.hold.toMs >= kill.leaseEndsAtMs) return ['this machine is too slow: the lease had ended before the kill']
  if (!next) return ['nobody got the lock after the kill']
  const lateMs = next.fromMs - kill.leaseEndsAtMs
  if (lateMs < -CLOCK_TOLERANCE_MS)
    return [`a lock was granted ${Math.round(-lateMs)} ms before the lease of the dead worker ended`]
  if (lateMs > act.lock.delayMs + SLACK_MS)
    return [`the lock was granted only ${Math.round(lateMs)} ms after the lease ended`]
  return []
}
