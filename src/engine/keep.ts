import { errors } from '../errors.ts'
import type { LeaseHold, LeaseState, LockStore } from '../store/lock-store.ts'
import { ask, type Timing } from './ask.ts'
import { boundsOf, OutOfTime } from './bounds.ts'
import type { GiveBack } from './give-back.ts'

/** What keeping and releasing works with. */
export interface Keeping {
  readonly store: LockStore
  readonly timing: Timing
  readonly giveBack: GiveBack
}

/** A hold as its keeper knows it. */
export interface KeptHold extends LeaseHold {
  /** The TTL in force, microseconds; `null`: never ends by itself. */
  ttlUs: number | null
  /**
   * Until when holding can be proven, by the local monotonic clock; `Infinity`: for ever; `-Infinity`: nothing is
   * proven yet, as for a lock that was restored in another process.
   */
  deadlineMs: number
}

/** A caller waits at least this long for a release to be confirmed, and at most this long. */
const LEAST_RELEASE_MS = 1_000
const MOST_RELEASE_MS = 10_000

/**
 * Extends the hold to `ttlUs` from now, and moves its deadline.
 *
 * @returns when the new TTL began, by the store's clock in microseconds and by the local one; `null` when the hold was
 * not live any more, or its deadline passed before the database answered
 * @throws LockError `E_LOCK_STORAGE_ERROR`; the hold then keeps the earlier of its two possible deadlines
 */
export async function extend(engine: Keeping, hold: KeptHold, ttlUs: number | null): Promise<Extension | null> {
  const { clock } = engine.timing
  const isProven = hold.deadlineMs !== Number.NEGATIVE_INFINITY
  const bounds = boundsOf(clock, isProven ? hold.deadlineMs - clock.nowMs() : Number.POSITIVE_INFINITY)
  const endMs = (sentAtMs: number) => (ttlUs === null ? Number.POSITIVE_INFINITY : sentAtMs + ttlUs / 1000)
  let sentAtMs = clock.nowMs()
  // If the answer gets lost, a shorter TTL may be in force already.
  hold.deadlineMs = Math.min(hold.deadlineMs, endMs(sentAtMs))

  const question = () => {
    sentAtMs = clock.nowMs()
    return engine.store.extend(hold, ttlUs)
  }
  const answer = ask(question, engine.timing, bounds)
  try {
    const extendedAtUs = await bounds.race(answer)
    if (extendedAtUs === null) return null
    hold.deadlineMs = endMs(sentAtMs)
    hold.ttlUs = ttlUs
    return { extendedAtUs, sentAtMs }
  } catch (error) {
    if (!(error instanceof OutOfTime)) throw error
    // Counted as lost from here on: what the late answer may have kept is given back.
    const giveBack = () => engine.giveBack.repeatRelease(hold.key, ttlUs, () => engine.store.release(hold))
    answer.then((late) => late !== null && giveBack(), giveBack)
    return null
  }
}

/** When an extension took effect, by both clocks. */
export interface Extension {
  readonly extendedAtUs: number
  readonly sentAtMs: number
}

/**
 * Releases the hold. Whatever goes wrong, the release is repeated in the background until it is confirmed or the
 * lease has ended.
 *
 * @returns `false` when the key did not name this hold any more
 * @throws LockError `E_LOCK_STORAGE_ERROR` when the database did not confirm in time
 */
export async function release(engine: Keeping, hold: KeptHold): Promise<boolean> {
  const { clock } = engine.timing
  const leftMs = hold.deadlineMs - clock.nowMs()
  const withinMs = Math.min(Math.max(leftMs, LEAST_RELEASE_MS), MOST_RELEASE_MS)
  const bounds = boundsOf(clock, withinMs)
  const send = async (mayBeDone: boolean) =>
    (await engine.store.release(hold)) ||
    (mayBeDone && wasReleased(hold, await engine.store.inspect(hold.key), clock.nowMs()))

  try {
    return await bounds.race(ask(send, engine.timing, bounds))
  } catch (error) {
    engine.giveBack.repeatRelease(hold.key, hold.ttlUs, () => engine.store.release(hold))
    if (!(error instanceof OutOfTime)) throw error
    throw new errors.E_LOCK_STORAGE_ERROR(
      `the database did not confirm the release within ${Math.round(withinMs)} ms`,
      {
        details: { key: hold.key },
      },
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
