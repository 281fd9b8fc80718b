import { Acknowledged } from '../acknowledged.ts'
import { type Check, type Evidence, type LockLook, type Span, when } from '../evidence.ts'
import { SESSION_DELAYS_MS, SESSION_KEYS } from '../session-keys.ts'
import { stoodStillMs } from './stood-still.ts'

/** After a storm, sessions are opened anew, and those of the dead end. */
const SETTLING_US = 2_500_000

/** What a wake-up and a try take, many times over, on a busy machine. */
const SLACK_US = 1_200_000

/** A look stands for what was so until the next one, or for so long. */
const LONGEST_LOOK_US = 200_000

/** G13, for session locks. */
export const idleSessions: Check = {
  name: 'waiters for session locks that were not served',
  meaning:
    'in a calm, no session had the lock for longer than wake-ups take (or, where waiters poll, a `delay`), all in all, while somebody waited for it (G13)',
  find(evidence) {
    const bound = SLACK_US + (evidence.isPolled ? SESSION_DELAYS_MS.polled * 1000 : 0)
    const waits = waitsOf(evidence)
    return evidence.calms.flatMap((calm) => {
      const settled = { from: calm.from + SETTLING_US, until: calm.until }
      const looks = evidence.looks.filter(({ from, until }) => from > settled.from && until < settled.until)
      return waits.flatMap((wait) => {
        const idleUs = idleWithin(looks, wait)
        if (idleUs <= bound || idleUs <= bound + stoodStillMs(evidence, wait.process, wait) * 1000) return []
        return [
          `nobody had ${wait.key} for ${(idleUs / 1e6).toFixed(1)} s while ${wait.op} waited, in the calm before ${when(evidence, calm.until)}`,
        ]
      })
    })
  },
}

/** A call that waits, from its start to its answer. */
interface Wait extends Span {
  readonly op: string
  readonly key: string
  readonly process: string
}

function waitsOf(evidence: Evidence): Wait[] {
  const { answers, lastWords } = Acknowledged.of(evidence)
  return evidence.history.flatMap((event) => {
    if (event.e !== 'ask' || event.waitMs === 0 || !SESSION_KEYS.includes(event.key)) return []
    const until = answers.get(event.op)?.t ?? lastWords.get(event.process)?.t ?? event.t
    const { op, key, process, t } = event
    return [{ op, key, process, from: t, until }]
  })
}

function idleWithin(looks: readonly LockLook[], wait: Wait): number {
  return looks.reduce((sum, look, index) => {
    if (look.from < wait.from || look.until > wait.until || look.holders.has(wait.key)) return sum
    const next = looks[index + 1]?.from ?? look.until
    return sum + Math.min(next - look.from, LONGEST_LOOK_US)
  }, 0)
}
