import { quoted } from '../describe-value.ts'
import { errors } from '../errors.ts'
import type { LeaseState, LeaseStore } from '../store/lock-store.ts'
import { asTrouble } from '../store-trouble.ts'
import { ask, type Timing } from './ask.ts'
import { boundsOf, OutOfTime } from './bounds.ts'
import type { GiveBack } from './give-back.ts'
import type { HandingOver } from './hand-over.ts'
import type { KeptHold } from './kept-hold.ts'

/** What keeping and releasing works with. */
export interface Keeping {
  readonly store: LeaseStore
  readonly timing: Timing
  readonly giveBack: GiveBack
  /** Missing: nobody waits for what is released here. */
  readonly handingOver?: HandingOver | undefined
}

/** A caller waits at least this long for a release to be confirmed, and at most this long. */
const LEAST_RELEASE_MS = 1_000
const MOST_RELEASE_MS = 10_000

/**
 * An extension waits this long for a transaction that guards the hold. It may be the very one that waits for the
 * extension; and while it is open, nobody can take the lock.
 */
const MOST_GUARDED_MS = 1_000

/**
 * Extends the hold to `ttlUs` from now, and moves its deadline.
 *
 * @returns when the new TTL began, by the store's clock in microseconds and by the local one; `null` when the hold was
 * not live any more, or its deadline passed before the database answered
 * @throws LockError `E_LOCK_STORAGE_ERROR`; the hold then keeps the earlier of its two possible deadlines; `E_LOCK_GUARDED`
 */
export async function extend(engine: Keeping, hold: KeptHold, ttlUs: number | null): Promise<Extension | null> {
  const { clock } = engine.timing
  const isProven = hold.deadlineMs !== Number.NEGATIVE_INFINITY
  const endMs = (sentAtMs: number) => (ttlUs === null ? Number.POSITIVE_INFINITY : sentAtMs + ttlUs / 1000)
  let sentAtMs = clock.nowMs()
  // If the answer gets lost, a shorter TTL may be in force already.
  hold.deadlineMs = Math.min(hold.deadlineMs, endMs(sentAtMs))
  const bounds = boundsOf(clock, (isProven ? hold.deadlineMs : endMs(sentAtMs)) - clock.nowMs())

  const startMs = sentAtMs
  const question = async () => {
    sentAtMs = clock.nowMs()
    try {
      return await engine.store.extend(hold, ttlUs)
    } catch (error) {
      const isInTheWay = hold.isGuarded && asTrouble(error).kind === 'transient'
      if (isInTheWay && clock.nowMs() - startMs >= MOST_GUARDED_MS) throw guardedError(hold, error)
      throw error
    }
  }
  const answer = ask(question, engine.timing, bounds)
  const giveBack = () => engine.giveBack.repeatRelease(hold.key, ttlUs, () => engine.store.release(hold))
  try {
    const extendedAtUs = await bounds.race(answer)
    if (extendedAtUs === null) {
      // Our own earlier sending may have come through late and changed the token.
      if (hold.wasUnheard) giveBackAttempt(engine, hold, ttlUs)
      return null
    }
    if (clock.nowMs() >= endMs(sentAtMs)) {
      giveBack()
      return null
    }
    hold.deadlineMs = endMs(sentAtMs)
    hold.ttlUs = ttlUs
    hold.isGuarded = false
    return { extendedAtUs, sentAtMs }
  } catch (error) {
    if (!(error instanceof OutOfTime)) throw error
    // Counted as lost from here on: what the late answer may have kept is given back.
    engine.giveBack.expectLate(answer.then((late) => late !== null && giveBack(), giveBack))
    return null
  }
}

function guardedError({ key, token }: KeptHold, cause: unknown): Error {
  return new errors.E_LOCK_GUARDED(
    `the lease on ${quoted(key)} cannot be extended while a transaction that guards it is open (and cannot be lost, either); commit first, or extend it within that transaction`,
    { cause, details: { key, token } },
  )
}

function giveBackAttempt(engine: Keeping, { key, owner, attempt }: KeptHold, ttlUs: number | null): void {
  if (attempt !== undefined) engine.giveBack.abandonUnheard({ key, owner, attempt, ttlUs, heldBy: '' })
}

/** When an extension took effect, by both clocks. */
export interface Extension {
  readonly extendedAtUs: number
  readonly sentAtMs: number
}

/**
 * Releases the hold, to the next one in line if somebody in this process waits. Whatever goes wrong, the release is repeated
 * in the background until it is confirmed or the lease has ended.
 *
 * @returns `false` when the key did not name this hold any more
 * @throws LockError `E_LOCK_STORAGE_ERROR` when the database did not confirm in time
 */
export async function release(engine: Keeping, hold: KeptHold): Promise<boolean> {
  const { clock } = engine.timing
  const leftMs = hold.deadlineMs - clock.nowMs()
  const withinMs = Math.min(Math.max(leftMs, LEAST_RELEASE_MS), MOST_RELEASE_MS)
  const bounds = boundsOf(clock, withinMs)
  const send = async (mayBeDone: boolean) => {
    if (await engine.store.release(hold)) return true
    if (hold.wasUnheard && hold.attempt !== undefined && clock.nowMs() < hold.deadlineMs) {
      // Our own earlier sending came through late and changed the token: the attempt is still ours.
      if (await engine.store.abandon(hold.key, hold.attempt)) return true
    }
    if (!mayBeDone && !hold.isReleaseUnconfirmed) return false
    return wasReleased(hold, await engine.store.inspect(hold.key), clock.nowMs())
  }

  try {
    if (await engine.handingOver?.handOver(hold, bounds)) return true
    const isReleased = await bounds.race(ask(send, engine.timing, bounds))
    engine.handingOver?.freed(hold.key)
    if (hold.wasUnheard) giveBackAttempt(engine, hold, hold.ttlUs)
    return isReleased
  } catch (error) {
    hold.isReleaseUnconfirmed = true
    engine.giveBack.repeatRelease(hold.key, hold.ttlUs, () => engine.store.release(hold))
    if (!(error instanceof OutOfTime)) throw error
    throw new errors.E_LOCK_STORAGE_ERROR(
      `the database did not confirm the release within ${Math.round(withinMs)} ms`,
      { details: { key: hold.key } },
    )
  }
}

/** Whether a release whose answer got lost was carried out, judged by what the store shows now. */
function wasReleased(hold: KeptHold, state: LeaseState | null, nowMs: number): boolean {
  if (state === null) return true
  if (state.token === hold.token) return state.owner === null
  // Taken since. Before the deadline nobody could have taken it unless it had been released.
  return nowMs < hold.deadlineMs
}
