import type { TransactionLike } from '../caller-transaction.ts'
import type { AbortSource } from '../engine/abort-source.ts'
import type { Trying } from '../engine/acquire.ts'
import { ask } from '../engine/ask.ts'
import { boundsOf } from '../engine/bounds.ts'
import type { DatabaseClock } from '../engine/database-clock.ts'
import { extend, type Keeping, release } from '../engine/keep.ts'
import type { KeepAlive } from '../engine/keep-alive.ts'
import type { SharedSignals } from '../engine/shared-signals.ts'
import { errors } from '../errors.ts'
import type { ResolvedKeeping, ResolvedRetry, WithinOptions } from '../options.ts'
import type { LeaseState, LockStore, TransactionStore } from '../store/lock-store.ts'
import { HeldLease, type HeldLeaseInit } from './held-lease.ts'
import type { HoldRegistry } from './hold-registry.ts'
import type { LeakWatch } from './leak-watch.ts'
import { notTransferableError } from './lock-errors.ts'
import type { Reporter } from './reporter.ts'
import { watchedAcquire } from './watched-acquire.ts'

/** What the locks of one factory, or of one transaction of a factory, share. */
export interface LockContext {
  readonly engine: Trying & Keeping
  /** The factory's own store, also where `engine.store` is that of a transaction. */
  readonly rootStore: LockStore
  readonly retry: ResolvedRetry
  /** The same, with a single try. */
  readonly once: ResolvedRetry
  readonly heldBy: string
  /** An id for a call that takes a lock: no other call, of any process, has it. */
  readonly nextAttempt: () => string
  /** An id that nobody can guess, for what a caller will hold. */
  readonly nextOwner: () => string
  /** Aborts when the factory closes. */
  readonly closing: AbortSource
  readonly signals: SharedSignals
  readonly holds: HoldRegistry
  readonly databaseClock: DatabaseClock
  /** `undefined`: nothing is renewed, as in a transaction, whose leases nobody sees before its commit. */
  readonly keepAlive: KeepAlive | undefined
  /** The defaults of `run` and `hold`. */
  readonly keeping: ResolvedKeeping
  /** What was found out about the store once and for all. */
  readonly checked: Set<string>
  /** Calls of `run` whose callback or release is in progress, for closing to wait for, with their holds. */
  readonly running: Map<Promise<unknown>, HeldLease>
  /** Who is told what happens to the locks. */
  readonly reporter: Reporter
  /** Who looks after holds that are never released; `undefined`: nobody. */
  readonly leaks: LeakWatch | undefined
}

/** Who asks for which lease. */
export interface LeaseWish {
  readonly key: string
  readonly owner: string
  readonly ttlUs: number | null
}

/**
 * The store on a transaction of the caller's.
 *
 * @throws LockError `E_INVALID_OPTION`, `E_UNSUPPORTED`
 */
export function storeWithin(
  { rootStore }: LockContext,
  transaction: TransactionLike,
  options?: WithinOptions,
): TransactionStore {
  if (rootStore.within) return rootStore.within(transaction, options)
  throw new errors.E_UNSUPPORTED('this store has no transactions; `within` and `guard` need a store in a database')
}

/** Wins the lease and takes it into the factory's books. @returns `null` when it was not granted in time */
export async function takeLease(
  context: LockContext,
  wish: LeaseWish,
  retry: ResolvedRetry,
  signal?: AbortSignal,
): Promise<HeldLease | null> {
  const { engine, databaseClock, holds, closing, reporter } = context
  const request = { ...wish, attempt: context.nextAttempt(), heldBy: context.heldBy }
  const grant = await watchedAcquire(engine, request, retry, reporter, closing, signal && context.signals.of(signal))
  if (!grant) return null

  databaseClock.note(grant.grantedAtUs, grant.sentAtMs)
  const expiresAtUs = wish.ttlUs === null ? null : grant.grantedAtUs + wish.ttlUs
  const held = new HeldLease({ ...wish, ...grant, expiresAtUs }, engine.timing.clock, databaseClock, reporter)
  holds.add(held)
  if (held.presence?.isGone) loseWithPresence(context, held)
  else if (reporter.topics.lost.isHeard) held.watch()
  return held
}

/**
 * The presence that the hold was granted under is gone: it is over now, whatever its TTL. The row is freed as soon as the database can be reached, for
 * those who do not look at presences.
 */
export function loseWithPresence({ engine, holds, keepAlive }: LockContext, held: HeldLease): void {
  held.lose()
  holds.delete(held)
  keepAlive?.stop(held)
  engine.giveBack.repeatRelease(held.key, held.ttlUs, () => engine.store.release(held))
  engine.handingOver?.freed(held.key)
}

/**
 * The same for work: kept alive while it lasts, if that was asked for, and never held for longer than `maxHold`.
 *
 * @param isAtWork the work begins at once, and the process must not end before the work does
 * @returns `null` when it was not granted in time
 */
export async function takeKeptLease(
  context: LockContext,
  wish: LeaseWish,
  { isKeptAlive, maxHoldMs }: ResolvedKeeping,
  retry: ResolvedRetry,
  signal?: AbortSignal,
  isAtWork = true,
): Promise<HeldLease | null> {
  const ttlUs = Math.min(wish.ttlUs ?? Number.POSITIVE_INFINITY, Math.ceil(maxHoldMs * 1000))
  const bounded = { ...wish, ttlUs: ttlUs === Number.POSITIVE_INFINITY ? null : ttlUs }
  const held = await takeLease(context, bounded, retry, signal)
  if (held) {
    held.isAtWork = isAtWork
    if (maxHoldMs !== Number.POSITIVE_INFINITY) held.latestEndMs = held.deadlineMs - ttlUs / 1000 + maxHoldMs
  }
  // Without an end there is nothing to renew.
  const isRenewed = isKeptAlive && wish.ttlUs !== null
  if (held && isRenewed) context.keepAlive?.keep(held, held.latestEndMs)
  return held
}

/** Extends a hold. @returns whether it was still live; if not it is lost from now on */
export async function extendLease(context: LockContext, held: HeldLease, ttlUs: number | null): Promise<boolean> {
  const extension = await held
    .extendInTurn(() => extend(context.engine, held, ttlUs))
    .catch((error) => {
      context.reporter.holdFailed('extend', held.key, error)
      throw error
    })
  if (extension === null || held.state === 'lost') {
    held.end('lost')
    context.holds.delete(held)
    context.engine.handingOver?.freed(held.key)
    return false
  }
  context.keepAlive?.extended(held)
  context.databaseClock.note(extension.extendedAtUs, extension.sentAtMs)
  held.expiresAtUs = ttlUs === null ? null : extension.extendedAtUs + ttlUs
  held.tellExtension(ttlUs, 'by-hand')
  return true
}

/**
 * Somebody else gets the hold: closing leaves it alone, and who waits here must hear of a release elsewhere.
 *
 * @throws LockError `E_NOT_TRANSFERABLE` for one that ends with the presence of this process
 */
export function handOut(context: LockContext, held: HeldLease): void {
  if (held.presence) throw notTransferableError(held.key)
  held.tellHandedOn()
  context.holds.delete(held)
  context.engine.handingOver?.freed(held.key)
}

/** Releases a hold. @returns whether the database still knew it as ours */
export async function releaseLease(context: LockContext, held: HeldLease): Promise<boolean> {
  // From here on the release is on its way: closing leaves the hold to it.
  context.holds.delete(held)
  context.keepAlive?.stop(held)
  held.workEnded()
  try {
    const isReleased = await held.releaseOnce(() => release(context.engine, held))
    held.end(isReleased ? 'released' : 'lost')
    return isReleased
  } catch (error) {
    return releaseFailed(context, held, error)
  }
}

/** The holder is done with it all the same, and the database is asked again in the background. @throws the error */
export function releaseFailed({ reporter }: LockContext, held: HeldLease, error: unknown): never {
  reporter.holdFailed('release', held.key, error)
  held.tellRelease(false)
  throw error
}

/** A hold that another process, or an earlier life of this one, has won. */
export function restoredLease(context: LockContext, hold: Omit<HeldLeaseInit, 'deadlineMs'>): HeldLease {
  const init = { ...hold, deadlineMs: Number.NEGATIVE_INFINITY }
  const held = new HeldLease(init, context.engine.timing.clock, context.databaseClock, context.reporter)
  held.isShared = true
  return held
}

/** Frees the key, whoever holds it. */
export async function forceReleaseKey(context: LockContext, key: string): Promise<void> {
  const { store, timing } = context.engine
  const wasHeld = await ask(() => store.forceRelease(key), timing, boundsOf(timing.clock, Number.POSITIVE_INFINITY))
  context.reporter.tell('released-by-force', { key, wasHeld })
  context.engine.handingOver?.freed(key)
}

/** What the database knows of a key. */
export async function inspectKey(context: LockContext, key: string): Promise<LeaseState | null> {
  const { store, timing } = context.engine
  const sentAtMs = timing.clock.nowMs()
  const state = await ask(() => store.inspect(key), timing, boundsOf(timing.clock, Number.POSITIVE_INFINITY))
  if (state) context.databaseClock.note(state.nowUs, sentAtMs)
  return state
}
