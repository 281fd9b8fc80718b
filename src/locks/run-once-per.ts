import { type Duration, resolveLengthUs } from '../duration.ts'
import { ask } from '../engine/ask.ts'
import { boundsOf, OutOfTime } from '../engine/bounds.ts'
import { finishRun } from '../engine/finish-run.ts'
import { errors } from '../errors.ts'
import { checkKey } from '../key.ts'
import {
  type AcquireOptions,
  checkRunOncePerOptions,
  type KeepAliveOptions,
  type ResolvedRetry,
  resolveKeeping,
  resolveRetry,
} from '../options.ts'
import type { RunEnd, RunRecord } from '../store/lock-store.ts'
import type { HeldLease } from './held-lease.ts'
import { checkCallback, Lock, type RunCallback, type RunOutcome } from './lock.ts'
import { type LeaseWish, type LockContext, releaseFailed, takeKeptLease } from './lock-context.ts'
import { endAfterWork, runHolding } from './run-holding.ts'
import { workContext } from './work-context.ts'

/** Options of `runOncePer`. */
export interface RunOncePerOptions extends AcquireOptions, Pick<KeepAliveOptions, 'maxHold'> {
  /**
   * How long the lease lasts while the callback runs; it is renewed all the time. When the process dies, another one may run it after
   * this time: milliseconds or '30s'. Default: '30s'.
   */
  readonly ttl?: Duration | undefined
  /**
   * When the callback throws. `retry`: the key is free at once, and whoever calls next runs it again. `skip`: that was the run of this
   * period. Default: `retry`.
   */
  readonly onError?: 'retry' | 'skip' | undefined
}

/** The last run of {@link LockFactory.runOncePer} that ended. */
export interface LastRun {
  /** When it was granted its lease: milliseconds since the epoch, by the **database's** clock. */
  readonly startedAt: number
  /** When its callback had ended, by the same clock. */
  readonly endedAt: number
  /** Whether its callback threw. */
  readonly hasFailed: boolean
  /** Its fencing token. */
  readonly fencingToken: number
  /** Who ran it, for people: `host:pid`, or the factory's `label`. */
  readonly heldBy: string | null
}

const DEFAULT_TTL = '30s'

/** See `LockFactory.runOncePer`. */
export async function runOncePer<Result>(
  context: LockContext,
  key: string,
  period: Duration,
  callback: RunCallback<Result>,
  given: RunOncePerOptions = {},
): Promise<RunOutcome<Result>> {
  checkKey(key)
  checkCallback(callback)
  checkRunOncePerOptions(given)
  const { signal, onError = 'retry', ttl = DEFAULT_TTL } = given
  const periodUs = resolveLengthUs('period', period)
  const wish: LeaseWish = { key, owner: context.nextOwner(), ttlUs: resolveLengthUs('ttl', ttl) }
  const keeping = resolveKeeping({ maxHold: given.maxHold, keepAlive: true }, context.keeping)
  const retry = given.retry === undefined ? context.once : resolveRetry(given.retry, context.retry)

  await checkThatRunsCanBeRecorded(context, key, retry, signal)
  const held = await takeKeptLease(context, wish, keeping, retry, signal)
  if (!held) return [false, null]
  const finish = (hasFailed: boolean) => {
    const isOver = !hasFailed || onError === 'skip'
    return endAfterWork(held, () => finishLease(context, held, { periodUs: isOver ? periodUs : null, hasFailed }))
  }
  const work = workContext(held, signal, () => new Lock(context, wish, held))
  return [true, await runHolding(context, held, () => callback(work), finish)]
}

/**
 * Before the work, not after it: with a table that has no columns for the records, every run would be one more in its period. Asked
 * once: what a migration has added stays.
 *
 * @throws LockError `E_SCHEMA_OUTDATED`, `E_LOCK_STORAGE_ERROR`, `E_CLOSED`; the reason of the signal
 */
async function checkThatRunsCanBeRecorded(
  context: LockContext,
  key: string,
  { timeoutMs }: ResolvedRetry,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { checked, closing, engine, rootStore } = context
  if (checked.has('run records')) return
  const { timing } = engine
  const bounds = boundsOf(timing.clock, timeoutMs === 0 ? Number.POSITIVE_INFINITY : timeoutMs, closing, signal)
  bounds.throwIfAborted()
  try {
    await bounds.race(ask(() => rootStore.lastRun(key), timing, bounds))
  } catch (error) {
    if (!(error instanceof OutOfTime)) throw error
    throw new errors.E_LOCK_STORAGE_ERROR(`the database did not answer within the timeout of ${timeoutMs} ms`, {
      details: { key, timeoutMs },
    })
  }
  checked.add('run records')
}

async function finishLease(context: LockContext, held: HeldLease, end: RunEnd): Promise<void> {
  context.holds.delete(held)
  // Renewed until the end is confirmed: the database may be away for longer than what is left of the lease. From here on, that the row
  // names another token may be our own doing.
  held.isFinishing = true
  held.workEnded()
  try {
    const isFinished = await finishRun(context.engine, context.rootStore, held, end)
    held.end(isFinished ? 'released' : 'lost')
  } catch (error) {
    releaseFailed(context, held, error)
  } finally {
    context.keepAlive?.stop(held)
  }
}

function recordOf({ rootStore, engine: { timing } }: LockContext, key: string): Promise<RunRecord | null> {
  return ask(() => rootStore.lastRun(key), timing, boundsOf(timing.clock, Number.POSITIVE_INFINITY))
}

/** See `LockFactory.lastRun`. */
export async function lastRunOf(context: LockContext, key: string): Promise<LastRun | null> {
  checkKey(key)
  const record = await recordOf(context, key)
  if (record === null) return null
  const { token: fencingToken, startedAtUs, endedAtUs, heldBy, hasFailed } = record
  const startedAt = Math.floor(startedAtUs / 1000)
  return Object.freeze({ startedAt, endedAt: Math.floor(endedAtUs / 1000), hasFailed, fencingToken, heldBy })
}
