import { type Check, type Evidence, when } from '../evidence.ts'
import { wasHindered } from '../hindered.ts'
import { type SessionHold, sessionHoldsOf } from '../session-holds.ts'

/** What a process may take to hear of the end of its session, if nothing hinders it. */
const HEARD_WITHIN_US = 1_000_000

/**
 * No two hold a session lock. Whose release was confirmed has held it until then, and nobody else can have. Whose session has ended
 * believes in it until the news comes.
 */
export const sessionOverlaps: Check = {
  name: 'session locks overlap',
  meaning:
    'a session lock was granted while another process held it, whose session was there; or whose session had ended, and who did not hear of it within a second (G1)',
  find(evidence) {
    const byKey = Map.groupBy(sessionHoldsOf(evidence), ({ key }) => key)
    return [...byKey.values()].flatMap((holds) => overlapsIn(evidence, holds))
  },
}

function overlapsIn(evidence: Evidence, holds: readonly SessionHold[]): string[] {
  let active: SessionHold[] = []
  return holds.flatMap((hold) => {
    active = active.filter(({ until }) => until > hold.from)
    const wrong = active.filter((earlier) => !isLawful(evidence, earlier, hold))
    active.push(hold)
    return wrong.map(
      (earlier) =>
        `${hold.key}: ${hold.op} was granted it at ${when(evidence, hold.from)}, ${Math.round((earlier.until - hold.from) / 1000)} ms before ${earlier.op} let go`,
    )
  })
}

/** @param first who was told first */
function isLawful(evidence: Evidence, first: SessionHold, second: SessionHold): boolean {
  if (first.isConfirmed && (second.isConfirmed || second.askedAt > first.from)) return false
  // Who was told first need not be who was granted first: one answer can have come late, and its session have ended meanwhile.
  const [former, later] = first.isConfirmed ? [second, first] : [first, second]
  const span = { from: Math.max(later.from, former.from), until: former.until }
  return span.until - span.from <= HEARD_WITHIN_US || wasHindered(evidence, former.process, span)
}
