import { jittered } from '../backoff.ts'
import { errors, isLockError } from '../errors.ts'
import type { ResolvedRetry } from '../options.ts'
import type { LeaseRequest, LeaseStore, TryOutcome } from '../store/lock-store.ts'
import { asTrouble } from '../store-trouble.ts'
import type { AbortSource } from './abort-source.ts'
import { ask, type Timing } from './ask.ts'
import { type Bounds, boundsOf, OutOfTime, pause } from './bounds.ts'
import type { GiveBack } from './give-back.ts'
import { type Grant, grantOf } from './grant.ts'
import type { Obstacle, Place, Waiting } from './waiting.ts'

/** What the loop works with. */
export interface Trying {
  readonly store: Pick<LeaseStore, 'tryAcquire'>
  readonly timing: Timing
  readonly waiting: Waiting
  readonly giveBack: GiveBack
  /** Who looks on while this call tries; missing: nobody. */
  readonly watch?: CallWatch
}

/** Hears how a call gets on. */
export interface CallWatch {
  /** A question is put to the store. */
  asks(): void
  /** It was not granted at once. Called again for each pause. */
  waits(): void
}

/** A grant that ran out before its answer arrived is no lock. This many in a row mean that the TTL is too short. */
const MOST_STILLBORN = 3

/**
 * Takes a place in the line. When it is first: asks; if refused, sleeps until something may have changed; asks again.
 * Ownership is decided by the store and nowhere else.
 *
 * @returns the grant, or `null` when somebody else holds the key and the tries or the time are used up
 * @throws LockError `E_LOCK_STORAGE_ERROR`, `E_LOCK_LOST`; the reason of a signal that aborts
 */
export async function acquire(
  engine: Trying,
  request: LeaseRequest,
  retry: ResolvedRetry,
  ...signals: (AbortSource | undefined)[]
): Promise<Grant | null> {
  // A timeout of 0 asks for one try, and a try needs the time it takes.
  const isOneTry = retry.timeoutMs === 0 || retry.attempts === 1
  const timeoutMs = retry.timeoutMs === 0 ? Number.POSITIVE_INFINITY : retry.timeoutMs
  const bounds = boundsOf(engine.timing.clock, timeoutMs, ...signals)
  bounds.throwIfAborted()
  const place = engine.waiting.enter(request, isOneTry)
  let won: Grant | null = null
  try {
    if (!place.isFirst) engine.watch?.waits()
    const settling = engine.giveBack.settle(request.key, bounds)
    if (settling) await settling
    const triesLeft = place.isFirst ? retry.attempts : await untilFirst(engine, place, retry, bounds)
    won = await tryUntilWon(engine, place, { ...retry, attempts: isOneTry ? 1 : triesLeft }, bounds)
    return won
  } catch (error) {
    if (isPassing(error)) place.fail(error)
    if (!(error instanceof OutOfTime)) throw error
    // Only a refusal means that somebody holds the key; silence means that the database did not answer.
    if (place.wasRefused) return null
    throw new errors.E_LOCK_STORAGE_ERROR(`the database did not answer within the timeout of ${retry.timeoutMs} ms`, {
      details: { key: request.key, timeoutMs: retry.timeoutMs },
    })
  } finally {
    place.leave(won ?? undefined)
  }
}

/**
 * Waits for the turn to ask. Who is not first need not ask: the refusals of the one that is are everybody's, and each is worth a
 * try of those who count theirs.
 *
 * @returns how many tries are left
 */
async function untilFirst(engine: Trying, place: Place, retry: ResolvedRetry, bounds: Bounds): Promise<number> {
  for (let triesLeft = retry.attempts - 1; triesLeft > 0; triesLeft--) {
    const isCounted = triesLeft !== Number.POSITIVE_INFINITY
    const mostMs = isCounted ? jittered(retry.delayMs, engine.timing.chance) : Number.POSITIVE_INFINITY
    if (await place.isFirstWithin(mostMs, bounds)) return triesLeft
  }
  return 0
}

/**
 * The loop of the one that is first. Where tries are counted, one is due after every `delay`; what a wake-up causes in between is
 * no try of the caller's.
 */
async function tryUntilWon(
  engine: Trying,
  place: Place,
  { attempts, delayMs, timeoutMs }: ResolvedRetry,
  bounds: Bounds,
): Promise<Grant | null> {
  const { clock, chance } = engine.timing
  const isCounted = attempts !== Number.POSITIVE_INFINITY
  let dueMs = Number.NEGATIVE_INFINITY
  let stillborn = 0
  for (let triesLeft = attempts; triesLeft > 0; ) {
    bounds.throwIfAborted()
    if (clock.nowMs() >= dueMs) {
      triesLeft--
      dueMs = clock.nowMs() + jittered(delayMs, chance)
    }

    const { grant, obstacle } = await askOrKnow(engine, place, bounds)
    if (grant && isAlive(engine, grant)) return grant
    const isLast = triesLeft === 0 || timeoutMs === 0 || bounds.leftMs() <= 0
    if (grant && (isLast || ++stillborn >= MOST_STILLBORN)) throw stillbornError(engine, place.request)
    if (isLast) return null

    const pauseMs = isCounted ? Math.max(0, dueMs - clock.nowMs()) : delayMs
    const mostMs = Math.min(pauseMs, bounds.leftMs())
    engine.watch?.waits()
    const handedOver = await place.untilMaybeFree({ mostMs, isCounted }, obstacle, bounds)
    if (handedOver && isAlive(engine, handedOver)) return handedOver
  }
  return null
}

/** One try; unless the line knows already that somebody in this process holds the key. */
async function askOrKnow(
  engine: Trying,
  place: Place,
  bounds: Bounds,
): Promise<{ grant?: Grant | undefined; obstacle: Obstacle }> {
  const known = place.knownObstacle()
  if (known) return { obstacle: known }

  const { request } = place
  place.beginTry()
  const { outcome, grant, mayHold } = await tryOnce(engine, request, bounds, place.wasRefused)
  place.heard(outcome)
  if (!grant && mayHold) {
    // Refused, while an earlier sending that nobody heard of may still be carried out. What cleans up after it must
    // never find the tries from here on, so they go by another name.
    engine.giveBack.abandonUnheard(request)
    place.renameAttempt()
  }
  return { grant, obstacle: obstacleOf(outcome) }
}

/** One try, heard or cleaned up after: whatever ends the wait for the answer, nothing stays taken. */
async function tryOnce(engine: Trying, request: LeaseRequest, bounds: Bounds, isPatient: boolean) {
  const { clock } = engine.timing
  let sentAtMs = clock.nowMs()
  let mayHold = false
  const question = async () => {
    // Counted from before the latest sending: the store's clock started no earlier than this.
    sentAtMs = clock.nowMs()
    engine.watch?.asks()
    try {
      return await engine.store.tryAcquire(mayHold ? { ...request, isRepeated: true } : request)
    } catch (error) {
      mayHold ||= !isLockError(error) && asTrouble(error).mayHaveHappened
      throw error
    }
  }
  const look = () => ask(question, engine.timing, bounds, isPatient)
  // Whoever has been refused before looks again soon anyway.
  const answer = isPatient ? look() : lookTwice(look, engine.timing, bounds)
  try {
    const outcome = await bounds.race(answer)
    const grant = outcome.granted ? grantOf(request, outcome, sentAtMs, { wasUnheard: mayHold }) : undefined
    return { outcome, mayHold, grant }
  } catch (error) {
    // Whether the try failed or its caller has gone, maybe at the very moment of the answer: what it has taken, or takes yet, is
    // nobody's.
    engine.giveBack.abandonLate(request, answer, () => mayHold)
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

function isAlive(engine: Trying, grant: Grant): boolean {
  return engine.timing.clock.nowMs() < grant.deadlineMs
}

/** Trouble with the database, not with this call: everybody in the line would meet it. */
function isPassing(error: unknown): error is Error {
  return isLockError(error, 'E_LOCK_STORAGE_ERROR') && error.details.canPass === true
}

function stillbornError(engine: Trying, request: LeaseRequest): Error {
  const { key, ttlUs } = request
  engine.giveBack.abandon(request)
  return new errors.E_LOCK_LOST(
    `the lease ended before the database's answer arrived; a TTL of ${(ttlUs ?? 0) / 1000} ms is too short for this database or this process`,
    { details: { key } },
  )
}
