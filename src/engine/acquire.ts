import { errors, isLockError } from '../errors.ts'
import type { ResolvedRetry } from '../options.ts'
import type { LeaseRequest, LockStore, TryOutcome } from '../store/lock-store.ts'
import { asTrouble } from '../store-trouble.ts'
import { ask, type Timing } from './ask.ts'
import { type Bounds, boundsOf, OutOfTime, pause } from './bounds.ts'
import type { GiveBack } from './give-back.ts'
import type { Obstacle, Waiting } from './waiting.ts'

/** What the loop works with. */
export interface Trying {
  readonly store: Pick<LockStore, 'tryAcquire'>
  readonly timing: Timing
  readonly waiting: Waiting
  readonly giveBack: GiveBack
}

/** The same with a whole store. */
export interface Acquiring extends Trying {
  readonly store: LockStore
}

/** A lease that was won. */
export interface Grant {
  /** Which call of acquire won it. */
  readonly attempt: string
  /** An earlier sending of the same try went unanswered, and may still be carried out. */
  readonly wasUnheard: boolean
  readonly token: number
  /** Until when holding can be proven, by the local monotonic clock; `Infinity`: for ever. */
  readonly deadlineMs: number
  /** When the winning statement was sent, by the local clock, and when it was carried out, by the store's. */
  readonly sentAtMs: number
  readonly grantedAtUs: number
}

/** A grant that ran out before its answer arrived is no lock. This many in a row mean that the TTL is too short. */
const MOST_STILLBORN = 3

/**
 * Ask; if refused, sleep until something may have changed; ask again.
 * Ownership is decided by the store and nowhere else.
 *
 * @returns the grant, or `null` when somebody else holds the key and the tries or the time are used up
 * @throws LockError `E_LOCK_STORAGE_ERROR`, `E_LOCK_LOST`; the reason of a signal that aborts
 */
export async function acquire(
  engine: Trying,
  request: LeaseRequest,
  retry: ResolvedRetry,
  ...signals: (AbortSignal | undefined)[]
): Promise<Grant | null> {
  // A timeout of 0 asks for one try, and a try needs the time it takes.
  const isOneTry = retry.timeoutMs === 0
  const bounds = boundsOf(engine.timing.clock, isOneTry ? Number.POSITIVE_INFINITY : retry.timeoutMs, ...signals)
  let asked = request
  let wasRefused = false
  let stillborn = 0

  try {
    await engine.giveBack.settle(request.key, bounds)
    for (let attempt = 1; ; attempt++) {
      bounds.throwIfAborted()

      const { outcome, grant, mayHold } = await tryOnce(engine, asked, bounds)
      if (grant && isAlive(engine, grant)) return grant
      if (grant && ++stillborn >= MOST_STILLBORN) throw stillbornError(engine, asked)
      if (!grant) wasRefused = true
      if (!grant && mayHold) {
        // Refused, while an earlier sending that nobody heard of may still be carried out. What cleans up after it must
        // never find the tries from here on, so they go by another name.
        engine.giveBack.abandonUnheard(asked)
        asked = { ...request, attempt: `${request.attempt}.${attempt}` }
      }

      const leftMs = bounds.leftMs()
      if (isOneTry || attempt >= retry.attempts || leftMs <= 0) {
        if (grant) throw stillbornError(engine, asked)
        return null
      }
      await engine.waiting.untilMaybeFree(request.key, Math.min(retry.delayMs, leftMs), obstacleOf(outcome), bounds)
    }
  } catch (error) {
    if (!(error instanceof OutOfTime)) throw error
    // Only a refusal means that somebody holds the key; silence means that the database did not answer.
    if (wasRefused) return null
    throw new errors.E_LOCK_STORAGE_ERROR(`the database did not answer within the timeout of ${retry.timeoutMs} ms`, {
      details: { key: request.key, timeoutMs: retry.timeoutMs },
    })
  }
}

/** One try, heard or cleaned up after: whatever ends the wait for the answer, nothing stays taken. */
async function tryOnce(engine: Trying, request: LeaseRequest, bounds: Bounds) {
  const { clock } = engine.timing
  let sentAtMs = clock.nowMs()
  let mayHold = false
  const question = async () => {
    // Counted from before the latest sending: the store's clock started no earlier than this.
    sentAtMs = clock.nowMs()
    try {
      return await engine.store.tryAcquire(request)
    } catch (error) {
      mayHold ||= !isLockError(error) && asTrouble(error).mayHaveHappened
      throw error
    }
  }
  let isAnswered = false
  const answer = lookTwice(() => ask(question, engine.timing, bounds), engine.timing, bounds).finally(() => {
    isAnswered = true
  })
  try {
    const outcome = await bounds.race(answer)
    return { outcome, mayHold, grant: outcome.granted ? grantOf(outcome, request, sentAtMs, mayHold) : undefined }
  } catch (error) {
    if (!isAnswered) engine.giveBack.abandonLate(request, answer, () => mayHold)
    else if (mayHold) engine.giveBack.abandonUnheard(request)
    throw error
  }
}

/** What keeps the next try from being worth while. */
function obstacleOf(outcome: TryOutcome): Obstacle {
  if (outcome.granted) return { freeInMs: 0, isRowLocked: false }
  const { freeInUs, isUncertain = false } = outcome
  return { freeInMs: freeInUs === null ? null : freeInUs / 1000, isRowLocked: isUncertain }
}

/** Long enough for a statement that has the row locked to end; short for whoever waits for the answer. */
const SECOND_LOOK_MS = 5

/**
 * A row that somebody else's statement or transaction has locked at this moment need not be held: before that counts
 * as a refusal, it gets a second look.
 */
async function lookTwice(look: () => Promise<TryOutcome>, { clock }: Timing, bounds: Bounds): Promise<TryOutcome> {
  const outcome = await look()
  if (outcome.granted || !outcome.isUncertain || outcome.hasWaited) return outcome
  await pause(clock, SECOND_LOOK_MS, bounds)
  return look()
}

function grantOf(
  outcome: TryOutcome & { granted: true },
  { ttlUs, attempt }: LeaseRequest,
  sentAtMs: number,
  wasUnheard: boolean,
): Grant {
  return {
    attempt,
    wasUnheard,
    token: outcome.token,
    deadlineMs: ttlUs === null ? Number.POSITIVE_INFINITY : sentAtMs + ttlUs / 1000,
    sentAtMs,
    grantedAtUs: outcome.grantedAtUs,
  }
}

function isAlive(engine: Trying, grant: Grant): boolean {
  return engine.timing.clock.nowMs() < grant.deadlineMs
}

function stillbornError(engine: Trying, request: LeaseRequest): Error {
  const { key, ttlUs } = request
  engine.giveBack.abandon(request)
  return new errors.E_LOCK_LOST(
    `the lease ended before the database's answer arrived; a TTL of ${(ttlUs ?? 0) / 1000} ms is too short for this database or this process`,
    { details: { key } },
  )
}
