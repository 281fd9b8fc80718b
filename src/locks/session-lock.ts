import { quoted } from '../describe-value.ts'
import { errors } from '../errors.ts'
import { checkKey } from '../key.ts'
import { type AcquireOptions, checkAcquireOptions, type ResolvedRetry, resolveRetry } from '../options.ts'
import type { HeldSession } from './held-session.ts'
import type { LeakPlace } from './leak-watch.ts'
import { checkCallback, type RunOutcome } from './lock.ts'
import { inspectKey, type LeaseWish, releaseLease } from './lock-context.ts'
import { notOwnedError } from './lock-errors.ts'
import { runHolding } from './run-holding.ts'
import { type SessionContext, takeSession } from './session-context.ts'
import { SessionHold } from './session-hold.ts'
import { signalOf } from './work-context.ts'

/** What the callback of {@link SessionLock.run} receives. */
export interface SessionRunContext {
  /**
   * Aborts when the session ends (reason: `E_LOCK_LOST`), when the signal given to `run` aborts, and when the factory closes.
   */
  readonly signal: AbortSignal
  /** None: see {@link SessionLock.fencingToken}. */
  readonly fencingToken: null
  /** The lock with this very hold, to release it. */
  readonly lock: SessionLock
}

/** What the caller of {@link SessionLock.run} runs while the lock is held. */
export type SessionRunCallback<Result> = (context: SessionRunContext) => Result | Promise<Result>

/**
 * A lock that a database session of this process holds, until it is released or the session ends: when the process ends, however it does, or loses
 * its connection. All session locks of a store are held by one session, on one connection beside the pool. Nothing is written, and no table is needed.
 *
 * What a lease has and this has not: a fencing token, a guard, a TTL, and a way to another process. Not reentrant.
 *
 * @example
 * const lock = verrou.createLock('import', { strategy: 'session' })
 * const [ran] = await lock.runImmediately(({ signal }) => importAll({ signal }))
 */
export class SessionLock {
  readonly #context: SessionContext
  readonly #wish: LeaseWish
  #held: HeldSession | undefined

  /** @internal Locks come from `createLock`. */
  constructor(context: SessionContext, wish: LeaseWish, held?: HeldSession) {
    this.#context = context
    this.#wish = wish
    this.#held = held
  }

  /** The key of the lock. */
  get key(): string {
    return this.#wish.key
  }

  /**
   * Tries until the lock is granted, the tries (`retry.attempts`) or the time (`retry.timeout`) are used up. By default it waits for ever.
   *
   * Those who wait for one key in one process stand in line; the first one asks. On Postgres a release by another process wakes it; on MySQL and
   * MariaDB it polls. Sends `sql/<dialect>/session-acquire.sql` once per try, and `session-want.sql` when it begins to wait. The first lock opens
   * the connection.
   *
   * @returns `true`: held. `false`: somebody else holds it.
   * @throws LockError `E_SESSION_POOLED`, `E_LOCK_STORAGE_ERROR` (the database did not answer), `E_INVALID_OPTION`, `E_CLOSED`, `E_UNSUPPORTED`; the
   * reason of `signal`
   */
  async acquire(options?: AcquireOptions): Promise<boolean> {
    const place = this.#context.leaks?.placeOfAcquire(this.acquire)
    return this.#keep(await this.#take(options), place)
  }

  /** Like {@link acquire}, with a single try. */
  async acquireImmediately(): Promise<boolean> {
    const place = this.#context.leaks?.placeOfAcquire(this.acquireImmediately)
    return this.#keep(await this.#take(undefined, this.#context.once), place)
  }

  /**
   * Takes the lock, runs the callback, and gives the lock back whatever the callback does.
   *
   * The callback's outcome always reaches the caller. If the session ended before the callback did, its result becomes a rejection with `E_LOCK_LOST`
   * that carries it as `error.result`; an error of the callback is thrown as it is, with the loss at the end of its chain of causes.
   *
   * @returns `[true, result]`, or `[false, null]` when the lock was not granted in time
   * @throws whatever the callback throws; else what {@link acquire} throws, and `E_LOCK_LOST`
   */
  async run<Result>(callback: SessionRunCallback<Result>, options?: AcquireOptions): Promise<RunOutcome<Result>> {
    checkCallback(callback)
    return this.#run(callback, await this.#take(options), options?.signal)
  }

  /** Like {@link run}, with a single try. */
  async runImmediately<Result>(callback: SessionRunCallback<Result>): Promise<RunOutcome<Result>> {
    checkCallback(callback)
    return this.#run(callback, await this.#take(undefined, this.#context.once))
  }

  /**
   * Takes the lock for the scope of an `await using`.
   *
   * @throws LockError `E_LOCK_TIMEOUT` when it was not granted within the tries or the time; else what {@link acquire} throws
   */
  async hold(options?: AcquireOptions): Promise<SessionHold> {
    const place = this.#context.leaks?.placeOfHold(this.hold)
    const held = await this.#take(options)
    if (!held) throw new errors.E_LOCK_TIMEOUT(`the lock on ${quoted(this.key)} was not granted in time`)
    const hold = new SessionHold(this.#context, held)
    place?.watch(hold, held)
    return hold
  }

  /**
   * Gives the lock back. Sends `sql/<dialect>/session-release.sql` once, or `session-hand-over.sql`, if somebody in this process waits for the key.
   *
   * @throws LockError `E_LOCK_NOT_OWNED` when it is not held, was released before, or its session has ended (also when that happens
   * now: nobody knows then whether it was held until the end); `E_LOCK_STORAGE_ERROR`
   */
  async release(): Promise<void> {
    const held = this.#held
    if (held?.state !== 'held' || !(await releaseLease(this.#context, held))) throw notOwnedError(this.key)
  }

  /** Whether the session that held it has ended, as far as this process knows. `false` when the lock is not held. Local; asks nobody. */
  isExpired(): boolean {
    return this.#held !== undefined && this.#held.state !== 'released' && this.#held.isOver()
  }

  /** Always `null`: it has no end. */
  getRemainingTime(): null {
    return null
  }

  /**
   * Whether anybody holds it at this moment, as a session lock. Information only: it may have changed by the time you read it. Sends
   * `sql/<dialect>/session-inspect.sql` once.
   *
   * @throws LockError `E_SESSION_POOLED`, `E_LOCK_STORAGE_ERROR`, `E_UNSUPPORTED`
   */
  async isLocked(): Promise<boolean> {
    return (await inspectKey(this.#context, this.key)) !== null
  }

  /** The id of this lock. It proves nothing: the session has the lock. */
  getOwner(): string {
    return this.#wish.owner
  }

  /** Always `null`: nothing that lasts counts the grants. Where late writers must be fenced out, use a lease. */
  get fencingToken(): null {
    return null
  }

  /** There is nothing to extend. @throws LockError `E_UNSUPPORTED`, always */
  async extend(): Promise<never> {
    return this.#context.session.extend()
  }

  /** Only the session that has it can release it. @throws LockError `E_UNSUPPORTED`, always */
  async forceRelease(): Promise<never> {
    return this.#context.session.forceRelease()
  }

  /** There is no row that a transaction could check. @throws LockError `E_UNSUPPORTED`, always */
  async guard(_transaction: unknown): Promise<never> {
    throw this.#noGuard()
  }

  /** As {@link guard}. @throws LockError `E_UNSUPPORTED`, always */
  async transaction(_starter: unknown, _work: unknown): Promise<never> {
    throw this.#noGuard()
  }

  /** No other process can have it. @throws LockError `E_NOT_TRANSFERABLE`, always */
  serialize(): never {
    throw new errors.E_NOT_TRANSFERABLE(
      'a session lock belongs to the database session of this process; for what another process is to release, use a lease: `createLock(key, ttl)`',
    )
  }

  #noGuard(): Error {
    return new errors.E_UNSUPPORTED(
      'a session lock has no row that a transaction could check; guard with a lease, `createLock(key, ttl)`, or lock in the transaction itself, `within(trx).lockUntilCommit(key)`',
    )
  }

  #take(options: AcquireOptions | undefined, base: ResolvedRetry = this.#context.retry): Promise<HeldSession | null> {
    const { retry, signal } = checkAcquireOptions(options)
    return takeSession(this.#context, this.#wish, resolveRetry(retry, base), signal)
  }

  #keep(held: HeldSession | null, place: LeakPlace | undefined): boolean {
    // A refused second try must not make this object forget the hold that it has.
    if (held) this.#held = held
    if (held) place?.watch(this, held)
    return held !== null
  }

  async #run<Result>(
    callback: SessionRunCallback<Result>,
    held: HeldSession | null,
    signal?: AbortSignal,
  ): Promise<RunOutcome<Result>> {
    if (!held) return [false, null]
    this.#held = held
    const context = this.#context
    const wish = this.#wish
    const work: SessionRunContext = {
      get signal() {
        return signalOf(held, signal)
      },
      fencingToken: null,
      get lock() {
        return new SessionLock(context, wish, held)
      },
    }
    return [true, await runHolding(context, held, () => callback(work))]
  }
}

/** @throws LockError `E_INVALID_KEY`, `E_INVALID_OPTION` */
export function newSessionLock(context: SessionContext, key: string): SessionLock {
  checkKey(key)
  return new SessionLock(context, { key, owner: context.nextAttempt(), ttlUs: null })
}
