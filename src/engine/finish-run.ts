import { errors } from '../errors.ts'
import type { LockStore, RunEnd } from '../store/lock-store.ts'
import { ask } from './ask.ts'
import { boundsOf, OutOfTime } from './bounds.ts'
import type { Keeping } from './keep.ts'
import type { KeptHold } from './kept-hold.ts'

/** As long as a release is given. */
const WITHIN_MS = 10_000

/**
 * Writes down how a run ended, and keeps its key taken for the rest of the period, or frees it. What the database does not confirm is
 * repeated in the background, until the lease has ended.
 *
 * @returns `false` when the key did not name this hold any more
 * @throws LockError `E_LOCK_STORAGE_ERROR` when the database did not confirm in time
 */
export async function finishRun(
  { timing, giveBack, handingOver }: Keeping,
  store: Pick<LockStore, 'finishRun' | 'lastRun'>,
  hold: KeptHold,
  end: RunEnd,
): Promise<boolean> {
  const bounds = boundsOf(timing.clock, WITHIN_MS)
  const send = async (mayBeDone: boolean) => {
    if (await store.finishRun(hold, end)) return true
    // An earlier sending has done it already, if that is what the record says.
    return mayBeDone && (await store.lastRun(hold.key))?.token === hold.token
  }
  try {
    const isFinished = await bounds.race(ask(send, timing, bounds, true))
    // Also if the key stays taken: until another time than those who wait know of.
    handingOver?.freed(hold.key)
    return isFinished
  } catch (error) {
    giveBack.repeatRelease(hold.key, hold.ttlUs, () => store.finishRun(hold, end))
    if (!(error instanceof OutOfTime)) throw error
    throw new errors.E_LOCK_STORAGE_ERROR(`the database did not confirm the end of the run within ${WITHIN_MS} ms`, {
      details: { key: hold.key },
    })
  }
}
