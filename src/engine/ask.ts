import { backoffMs } from '../backoff.ts'
import type { Chance, Clock } from '../clock.ts'
import { describeValue } from '../describe-value.ts'
import { errors, isLockError } from '../errors.ts'
import { asTrouble, type StoreTrouble } from '../store-trouble.ts'
import { type Bounds, pause } from './bounds.ts'

/** As long as a busy SQLite file or a hot key under SERIALIZABLE is given; what lasts longer is no passing trouble. */
const LONGEST_TRANSIENT_MS = 10_000
/** A lost connection is followed by a fresh one; when that fails too, the database is down and the caller should know. */
const MOST_UNANSWERED = 2
/** Who has been waiting in line anyway waits on while the database restarts or fails over, and not for much longer. */
const LONGEST_OUTAGE_MS = 30_000

/** Time and chance, as {@link ask} and all that waits needs them. */
export interface Timing {
  readonly clock: Clock
  readonly chance: Chance
}

/**
 * Puts one question to the store until it answers. Puts it again after trouble that passes: the database undid the
 * statement, or the connection failed. Every question is safe to repeat; `mayBeDone` tells it that an earlier one may
 * have been carried out unheard.
 *
 * @param isPatient the caller has been waiting for long, and prefers to go on over hearing of an outage at once
 * @throws LockError `E_LOCK_STORAGE_ERROR` when there is no answer to be had
 */
export async function ask<T>(
  question: (mayBeDone: boolean) => Promise<T>,
  timing: Timing,
  bounds: Bounds,
  isPatient = false,
): Promise<T> {
  const longestMs = isPatient ? LONGEST_OUTAGE_MS : LONGEST_TRANSIENT_MS
  const startMs = timing.clock.nowMs()
  let repeats = 0
  let unanswered = 0
  let mayBeDone = false
  for (;;) {
    try {
      return await question(mayBeDone)
    } catch (error) {
      if (isLockError(error)) throw error
      const trouble = asTrouble(error)
      if (trouble.kind !== 'transient') unanswered++
      const isOverdue = timing.clock.nowMs() - startMs > longestMs
      const isDown = unanswered > MOST_UNANSWERED && !isPatient
      if (!trouble.canPass || isOverdue || isDown) throw storageErrorOf(trouble)
      mayBeDone ||= trouble.mayHaveHappened
      await pause(timing.clock, backoffMs(++repeats, 4, isPatient ? 1_000 : 100, timing.chance), bounds)
    }
  }
}

/** What the caller is told when there is no answer to be had. */
export function storageErrorOf(trouble: StoreTrouble): Error {
  return new errors.E_LOCK_STORAGE_ERROR(`the database could not answer: ${reasonOf(trouble.cause)}`, {
    cause: trouble.cause,
    details: { kind: trouble.kind, canPass: trouble.canPass },
  })
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return describeValue(cause)
  const code = (cause as { code?: unknown }).code
  // Node's AggregateError of a refused connection has a code but no message.
  const said = cause.message || String(code ?? cause.name)
  return typeof code === 'string' && !said.includes(code) ? `${said} (${code})` : said
}
