import { type Check, type Evidence, when } from '../evidence.ts'

/** What a caller may be told while the database is in trouble, or others get in the way. */
const EXPECTED: ReadonlySet<string> = new Set([
  'E_LOCK_STORAGE_ERROR',
  'E_LOCK_LOST',
  'E_LOCK_TIMEOUT',
  'E_LOCK_NOT_OWNED',
  'E_LOCK_GUARDED',
  'E_TRANSACTION_CONFLICT',
  'E_TRANSACTION_ISOLATION',
  'E_TRANSACTION_FAILED',
  'E_TRANSACTION_READ_ONLY',
  'E_TRANSACTION_REQUIRED',
  'E_CLOSED',
])

/** These need trouble with the database. */
const TROUBLE: ReadonlySet<string> = new Set([
  'E_LOCK_STORAGE_ERROR',
  'E_TRANSACTION_REQUIRED',
  'E_TRANSACTION_READ_ONLY',
])

const SETTLING_US = 3_000_000

/** G7. Failures are LockErrors with a fitting code, and come when something is wrong. */
export const unexpectedFailures: Check = {
  name: 'unexpected failures',
  meaning:
    'a call failed with something else than a fitting LockError, or with trouble of the database in the midst of a calm (G7)',
  find(evidence) {
    return evidence.history.flatMap((event) => {
      if (event.e !== 'failed') return []
      if (!EXPECTED.has(event.code))
        return [`${event.op} at ${when(evidence, event.t)}: ${event.code}: ${event.message}`]
      if (!TROUBLE.has(event.code) || !isCalm(evidence, event.t) || isOutOfTime(event.message)) return []
      return [`${event.op} in a calm, at ${when(evidence, event.t)}: ${event.code}: ${event.message}`]
    })
  },
}

/** The caller's own time was up: a pool that is busy with the app's transactions is enough for that. */
function isOutOfTime(message: string): boolean {
  return message.includes('did not answer within the timeout')
}

function isCalm({ calms }: Evidence, t: number): boolean {
  return calms.some(({ from, until }) => t > from + SETTLING_US && t < until)
}
