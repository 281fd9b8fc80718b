import { isLockError, type LockError } from '../errors.ts'
import type { HeldLease } from './held-lease.ts'
import { type LockContext, releaseLease } from './lock-context.ts'

/** Ends the hold after the work, which has failed or not. @returns the loss, when holding had ended before the work did */
export type FinishWork = (hasFailed: boolean) => Promise<LockError | undefined>

/**
 * Runs the work, releases, and tells the truth about both.
 *
 * The work's own outcome always reaches the caller: its error is thrown as it is, its result is returned, or, when
 * the lease was lost meanwhile, carried by the `E_LOCK_LOST` that is thrown instead. A release that the database did
 * not confirm is no outcome of the work: it is repeated in the background.
 */
export function runHolding<Result>(
  context: LockContext,
  held: HeldLease,
  work: () => Result | Promise<Result>,
  finish: FinishWork = () => releaseAfterWork(context, held),
): Promise<Result> {
  const { reporter } = context
  const { listeners } = reporter
  const wrapped = listeners.hasWrappers ? () => listeners.doWrapped(reporter.aboutHold(held), work) : work
  const running = workAndFinish(held, wrapped, finish)
  // Until the release is through: closing must not release the same hold beside it.
  context.running.set(running, held)
  const forget = () => context.running.delete(running)
  running.then(forget, forget)
  return running
}

async function workAndFinish<Result>(
  held: HeldLease,
  work: () => Result | Promise<Result>,
  finish: FinishWork,
): Promise<Result> {
  let result: Result
  try {
    result = await work()
  } catch (error) {
    throw withLoss(error, await finish(true))
  }
  if (await finish(false)) throw held.lossError({ result })
  return result
}

/** The release that ends a scope. @returns the loss, when holding had ended before the work did */
export function releaseAfterWork(context: LockContext, held: HeldLease): Promise<LockError | undefined> {
  return endAfterWork(held, () => releaseLease(context, held))
}

/**
 * Ends the hold: quiet about a database that does not answer, honest about a loss.
 *
 * @returns the loss, when holding had ended before the work did
 */
export async function endAfterWork(held: HeldLease, end: () => Promise<unknown>): Promise<LockError | undefined> {
  // The work may have released the lock itself: then it chose the moment, and nothing was lost.
  if (held.state === 'released') return undefined
  const wasOver = held.isOver()
  try {
    await end()
  } catch (error) {
    if (!isLockError(error)) throw error
  }
  return wasOver || held.state === 'lost' ? held.lossError() : undefined
}

/**
 * The error of the work, with the loss at the end of its chain of causes. What cannot carry a cause (a thrown string,
 * a frozen error) goes into an AggregateError with the loss.
 */
function withLoss(error: unknown, loss: LockError | undefined): unknown {
  if (!loss) return error
  let last = error
  const seen = new Set<unknown>()
  while (last instanceof Error && last.cause instanceof Error && !seen.has(last)) {
    seen.add(last)
    last = last.cause
  }
  if (last instanceof Error && last.cause === undefined && Object.isExtensible(last)) {
    Object.defineProperty(last, 'cause', { value: loss, configurable: true, writable: true, enumerable: false })
    return error
  }
  return new AggregateError([error, loss], 'the work failed, and its lease had ended before')
}
