import { backoffMs } from '../backoff.ts'
import { type Duration, resolveLengthUs } from '../duration.ts'
import { boundsOf, pause } from '../engine/bounds.ts'
import { isLockError } from '../errors.ts'
import { checkKey } from '../key.ts'
import { type AcquireOptions, checkElectOptions, resolveRetry } from '../options.ts'
import type { HeldLease } from './held-lease.ts'
import { checkCallback, Lock } from './lock.ts'
import { type LockContext, takeKeptLease } from './lock-context.ts'
import { releaseAfterWork, runHolding } from './run-holding.ts'
import { workContext } from './work-context.ts'

/** Options of `elect`. */
export interface ElectOptions extends Pick<AcquireOptions, 'signal'> {
  /**
   * How long a leader that has crashed stays leader; while it lives, its lease is renewed at a third of that: milliseconds or '10s'.
   * Default: '10s'.
   */
  readonly ttl?: Duration | undefined
}

/** What the callback of {@link LockFactory.elect} receives. */
export interface Leadership {
  /**
   * Aborts when the leadership cannot be proven any more (reason: `E_LOCK_LOST`), when the signal given to `elect` aborts, and when the
   * factory closes. Stop leading then: somebody else may.
   */
  readonly signal: AbortSignal
  /** The fencing token of the lease: higher than that of every earlier leader. */
  readonly term: number
  /** The lock of this term, to guard a transaction with. */
  readonly lock: Lock
}

/** What a leader does. When it returns, it has resigned. */
export type LeaderCallback<Result> = (leadership: Leadership) => Result | Promise<Result>

const DEFAULT_TTL = '10s'
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000

/** See `LockFactory.elect`. */
export async function elect<Result>(
  context: LockContext,
  key: string,
  callback: LeaderCallback<Result>,
  given: ElectOptions = {},
): Promise<Result> {
  checkKey(key)
  checkCallback(callback)
  checkElectOptions(given)
  const { signal, ttl = DEFAULT_TTL } = given
  const ttlUs = resolveLengthUs('ttl', ttl)
  for (;;) {
    const wish = { key, owner: context.nextOwner(), ttlUs }
    const held = await campaign(context, wish, signal)
    const lead = () => {
      const work = workContext(held, signal, () => new Lock(context, wish, held))
      return callback({
        term: work.fencingToken,
        get signal() {
          return work.signal
        },
        get lock() {
          return work.lock
        },
      })
    }
    const term = await runHolding(
      context,
      held,
      () => termOf(held, lead),
      () => endOfTerm(context, held),
    )
    if (!term.isLost) return term.result
  }
}

/** Waits to be elected, also while the database is down. */
async function campaign(
  context: LockContext,
  wish: { key: string; owner: string; ttlUs: number },
  signal: AbortSignal | undefined,
): Promise<HeldLease> {
  const { clock, chance } = context.engine.timing
  const forEver = resolveRetry({ attempts: Number.POSITIVE_INFINITY, timeout: null }, context.retry)
  const keeping = { isKeptAlive: true, maxHoldMs: Number.POSITIVE_INFINITY }
  for (let failures = 1; ; failures++) {
    try {
      const held = await takeKeptLease(context, wish, keeping, forEver, signal)
      if (held) return held
    } catch (error) {
      if (!isLockError(error, 'E_LOCK_STORAGE_ERROR') || error.details.canPass !== true) throw error
    }
    const bounds = boundsOf(clock, Number.POSITIVE_INFINITY, context.closing, signal)
    await pause(clock, backoffMs(failures, FIRST_PAUSE_MS, LONGEST_PAUSE_MS, chance), bounds)
  }
}

/** What became of a term. */
type Term<Result> = { readonly isLost: true } | { readonly isLost: false; readonly result: Result }

/** Once the leadership is lost, what the callback returns is not its resignation, and that it was aborted is no error. */
async function termOf<Result>(held: HeldLease, lead: () => Result | Promise<Result>): Promise<Term<Result>> {
  try {
    const result = await lead()
    return held.isOver() ? { isLost: true } : { isLost: false, result }
  } catch (error) {
    if (held.isOver() && isAbortion(error)) return { isLost: true }
    throw error
  }
}

/** What code throws that was told to stop: the reason of the signal, or an error that names it, or an `AbortError`. */
function isAbortion(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return isLockError(error, 'E_LOCK_LOST') || error.name === 'AbortError' || isLockError(error.cause, 'E_LOCK_LOST')
}

/** A lost term is not reported: there will be another one. */
async function endOfTerm(context: LockContext, held: HeldLease): Promise<undefined> {
  await releaseAfterWork(context, held)
}
