import type { KyselyTransactionLike, TransactionLike } from '../caller-transaction.ts'
import { quoted } from '../describe-value.ts'
import { resolveTtlUs, type Ttl } from '../duration.ts'
import { errors } from '../errors.ts'
import {
  type AcquireOptions,
  checkAcquireOptions,
  checkHoldOptions,
  type HoldOptions,
  invalidOption,
  type ResolvedRetry,
  resolveKeeping,
  resolveRetry,
} from '../options.ts'
import { guardedTransaction, guardLease, type TransactionStarter, type TransactionWork } from './guard.ts'
import { HeldLease } from './held-lease.ts'
import { Hold } from './hold.ts'
import type { LeakPlace } from './leak-watch.ts'
import {
  extendLease,
  forceReleaseKey,
  handOut,
  inspectKey,
  type LeaseWish,
  type LockContext,
  releaseLease,
  restoredLease,
  storeWithin,
  takeKeptLease,
  takeLease,
} from './lock-context.ts'
import { notOwnedError, notTransferableError } from './lock-errors.ts'
import { runHolding } from './run-holding.ts'
import { type ParsedLock, type SerializedLock, serializeLease } from './serialized-lock.ts'
import { workContext } from './work-context.ts'

/** What the callback of {@link Lock.run} receives. */
export interface RunContext {
  /**
   * Aborts when holding cannot be proven any more (reason: `E_LOCK_LOST`), when the signal given to `run` aborts, and
   * when the factory closes. Costs a timer only if it is looked at.
   */
  readonly signal: AbortSignal
  /** Higher than the token of every earlier grant of the key. */
  readonly fencingToken: number
  /**
   * The lock with this very hold, to extend, release or serialize it. Unlike the object that `run` was called on, it
   * never means a later hold of the same object.
   */
  readonly lock: Lock
}

/** What the caller of {@link Lock.run} runs while the lock is held. */
export type RunCallback<Result> = (context: RunContext) => Result | Promise<Result>

/** `[true, result]`, or `[false, null]` when the lock was not granted. */
export type RunOutcome<Result> = [acquired: true, result: Result] | [acquired: false, result: null]

/**
 * A lock on one key. Creating it asks nobody; `acquire`, `run` or `hold` do. Not reentrant: while it is held, a second
 * `acquire()` on the same object waits like a stranger.
 *
 * @example
 * const lock = verrou.createLock('invoice:42', '30s')
 * const [ran, total] = await lock.run(() => bill(42))
 * if (!ran) return 'somebody else is billing it'
 */
export class Lock {
  readonly #context: LockContext
  readonly #wish: LeaseWish
  readonly #isRestored: boolean
  #held: HeldLease | undefined

  /** @internal Locks come from `createLock` and `restoreLock`. */
  constructor(context: LockContext, wish: LeaseWish, origin?: HeldLease | ParsedLock) {
    this.#context = context
    this.#wish = wish
    this.#isRestored = origin !== undefined && !(origin instanceof HeldLease)
    if (origin instanceof HeldLease) this.#held = origin
    else if (origin?.token) this.#held = restoredLease(context, { ...origin, token: origin.token })
  }

  /** The key of the lock. */
  get key(): string {
    return this.#wish.key
  }

  /**
   * Tries until the lock is granted, the tries (`retry.attempts`) or the time (`retry.timeout`) are used up. By default
   * it waits for ever.
   *
   * Those who wait for one key in one process stand in line; the first one asks. Sends `sql/<dialect>/acquire.sql` once per try, which
   * writes nothing when it is refused, and `want.sql` before a longer pause: it marks, once for each grant, that somebody waits.
   *
   * @returns `true`: held, for the TTL, counted from before the request was sent. `false`: somebody else holds it.
   * @throws LockError `E_LOCK_STORAGE_ERROR` (the database did not answer), `E_SINGLE_CONNECTION`, `E_SCHEMA_MISSING`, `E_SCHEMA_OUTDATED`,
   * `E_INVALID_OPTION`, `E_CLOSED`, `E_LOCK_LOST` (a TTL too short for the database's round trip); the reason of `signal`
   * @example
   * if (await lock.acquire({ retry: { timeout: '5s' } })) {
   *   try {
   *     await work()
   *   } finally {
   *     await lock.release()
   *   }
   * }
   */
  async acquire(options?: AcquireOptions): Promise<boolean> {
    const place = this.#context.leaks?.placeOfAcquire(this.acquire)
    return this.#keep(await this.#take(options), place)
  }

  /** Like {@link acquire}, with a single try. */
  async acquireImmediately(): Promise<boolean> {
    const place = this.#context.leaks?.placeOfAcquire(this.acquireImmediately)
    return this.#keep(await takeLease(this.#context, this.#wish, this.#context.once), place)
  }

  /**
   * Takes the lock, runs the callback, and gives the lock back whatever the callback does. With `keepAlive: true` the lease is
   * renewed meanwhile.
   *
   * The callback's outcome always reaches the caller. If the lease ended before the callback did, its result becomes
   * a rejection with `E_LOCK_LOST` that carries it as `error.result`; an error of the callback is thrown as it is, with
   * the loss at the end of its chain of causes (what cannot carry a cause is thrown inside an AggregateError). A release
   * that the database does not confirm is repeated in the background.
   *
   * Sends what {@link acquire} sends, `sql/<dialect>/extend-all.sql` every third of the TTL with `keepAlive`, and what {@link release} sends.
   *
   * @returns `[true, result]`, or `[false, null]` when the lock was not granted in time
   * @throws whatever the callback throws; else what {@link acquire} throws, and `E_LOCK_LOST`
   * @example
   * const [ran] = await verrou.createLock('report', '5m').run(({ signal }) => report({ signal }))
   */
  async run<Result>(callback: RunCallback<Result>, options?: HoldOptions): Promise<RunOutcome<Result>> {
    checkCallback(callback)
    return this.#run(callback, await this.#takeKept(options), options?.signal)
  }

  /** Like {@link run}, with a single try. */
  async runImmediately<Result>(callback: RunCallback<Result>): Promise<RunOutcome<Result>> {
    checkCallback(callback)
    return this.#run(callback, await this.#takeKept({}, this.#context.once))
  }

  /**
   * Takes the lock for the scope of an `await using`. With `keepAlive: true` the lease is renewed until then.
   *
   * @throws LockError `E_LOCK_TIMEOUT` when it was not granted within the tries or the time; else what {@link acquire} throws
   * @example
   * await using held = await lock.hold({ retry: { timeout: '10s' } })
   */
  async hold(options?: HoldOptions): Promise<Hold> {
    const place = this.#context.leaks?.placeOfHold(this.hold)
    const held = await this.#takeKept(options, this.#context.retry, false)
    if (!held) throw new errors.E_LOCK_TIMEOUT(`the lock on ${quoted(this.key)} was not granted in time`)
    const hold = new Hold(this.#context, held, this.#wish.ttlUs)
    place?.watch(hold, held)
    return hold
  }

  /**
   * Gives the lock back. Only the hold of this very object: a late release never frees somebody else's newer hold.
   * Sends `sql/<dialect>/release.sql` once, or `hand-over.sql`, if somebody in this process waits for the key.
   *
   * @throws LockError `E_LOCK_NOT_OWNED` when it is not held, was released before, or was taken over;
   * `E_LOCK_STORAGE_ERROR` when the database did not confirm it in time (it is then repeated in the background)
   */
  async release(): Promise<void> {
    const held = await this.#findHeld()
    if (held?.state !== 'held' || !(await releaseLease(this.#context, held))) throw notOwnedError(this.key)
  }

  /**
   * Frees the key, whoever holds it; the old hold is fenced out: it can no longer be released, extended or used to
   * guard a write. Sends `sql/<dialect>/force-release.sql` once.
   *
   * @throws LockError `E_LOCK_STORAGE_ERROR`
   */
  async forceRelease(): Promise<void> {
    await forceReleaseKey(this.#context, this.key)
    if (this.#held?.state !== 'held') return
    this.#held.end('lost', 'forced')
    this.#context.holds.delete(this.#held)
  }

  /**
   * Checks, in a transaction of yours, that this hold is current, and keeps it so until the transaction ends: a write that
   * was guarded commits only if nobody has taken the key in between, however long this process was paused.
   *
   * Passes while the lock's row still names this hold, also when its time is over and nobody has taken the key. From then on
   * nobody can take it before the transaction ends. Guard before you write, so that others wait for less.
   *
   * On Postgres under READ COMMITTED, `extend` goes on working meanwhile. Elsewhere it waits for a second, and
   * throws `E_LOCK_GUARDED` then. Sends `sql/<dialect>/guard.sql` once, on the transaction.
   *
   * @param transaction a `Transaction` of Kysely, or what the `from…` function of `verrou-sql/adapters/…` returns
   * @throws LockError `E_LOCK_LOST`: somebody has taken the key, or it was released elsewhere; let the transaction roll back.
   * `E_LOCK_NOT_OWNED` when there never was a hold or this object has released it; `E_TRANSACTION_CONFLICT`,
   * `E_TRANSACTION_READ_ONLY`, `E_TRANSACTION_FAILED`, `E_TRANSACTION_REQUIRED`, `E_INVALID_OPTION`, `E_UNSUPPORTED`,
   * `E_LOCK_STORAGE_ERROR`
   * @example
   * await db.transaction().execute(async (trx) => {
   *   await lock.guard(trx)
   *   await trx.updateTable('invoices').set({ total }).where('id', '=', 42).execute()
   * })
   */
  async guard(transaction: TransactionLike): Promise<void> {
    const store = storeWithin(this.#context, transaction)
    const held = await this.#findHeld((key) => store.inspect(key))
    if (!held || held.state === 'released') throw notOwnedError(this.key)
    if (held.state === 'lost') throw held.lossError()
    await guardLease(this.#context, store, held)
    this.#held = held
  }

  /**
   * Begins a transaction of Kysely, {@link guard}s it, does the work in it, and commits. When the work throws, or the hold is
   * lost, everything is rolled back.
   *
   * @param starter a Kysely instance, or `db.transaction()` with settings such as `setIsolationLevel`
   * @returns what the work returned
   * @throws whatever the work throws; else what {@link guard} throws
   * @example
   * await lock.transaction(db, (trx) => trx.updateTable('invoices').set({ total }).where('id', '=', 42).execute())
   */
  async transaction<Transaction extends KyselyTransactionLike, Result>(
    starter: TransactionStarter<Transaction>,
    work: TransactionWork<Transaction, Result>,
  ): Promise<Result> {
    return guardedTransaction(starter, (transaction) => this.guard(transaction), work)
  }

  /**
   * Makes the hold last `ttl` from now; default: the TTL of the lock. Sends `sql/<dialect>/extend.sql` once.
   *
   * @throws LockError `E_LOCK_LOST` when the hold is over, even if nobody took the key since; `E_LOCK_NOT_OWNED` when
   * there never was one or it was released; `E_LOCK_GUARDED` while a transaction that guards it is open;
   * `E_INVALID_DURATION`; `E_LOCK_STORAGE_ERROR`
   */
  async extend(ttl?: Ttl): Promise<void> {
    const ttlUs = ttl === undefined ? this.#wish.ttlUs : resolveTtlUs(ttl)
    const held = await this.#findHeld()
    if (!held || held.state === 'released') throw notOwnedError(this.key)
    const isLost = held.state === 'lost' || (held.isProven && held.isOver())
    if (isLost || !(await extendLease(this.#context, held, ttlUs))) throw held.lossError()
    this.#held = held
  }

  /**
   * Whether the time of the hold is over, as far as this process can prove: local, by a monotonic clock, counted from
   * before the request was sent. `false` when the lock is not held. A lock that was restored in a process that has not
   * spoken to the database yet counts as expired; `extend()` proves the hold.
   */
  isExpired(): boolean {
    return this.#held !== undefined && this.#held.state !== 'released' && this.#held.isOver()
  }

  /** Milliseconds that are left at least, by the same clock as {@link isExpired}; `null`: never expires, or not held. */
  getRemainingTime(): number | null {
    return this.#held === undefined || this.#held.state === 'released' ? null : this.#held.remainingMs()
  }

  /**
   * Whether anybody holds the key at this moment. Information only: it may have changed by the time you read it.
   * Sends `sql/<dialect>/inspect.sql` once.
   *
   * @throws LockError `E_LOCK_STORAGE_ERROR`
   */
  async isLocked(): Promise<boolean> {
    const state = await inspectKey(this.#context, this.key)
    return state !== null && state.owner !== null && state.remainingUs !== 0
  }

  /** The random id of this lock: a secret, since it proves ownership. */
  getOwner(): string {
    return this.#wish.owner
  }

  /**
   * The token of the present hold, higher than that of every earlier grant of the key; `null` when not held. Usually
   * the time of the grant in microseconds: only the order means anything.
   */
  get fencingToken(): number | null {
    return this.#held?.state === 'held' ? this.#held.token : null
  }

  /**
   * The lock as plain JSON, for `restoreLock` in another process, which may then release and extend it. Treat it as a
   * secret.
   *
   * @throws LockError `E_NOT_TRANSFERABLE` for a lock of a store with `presence`, unless it was restored, or taken within a transaction
   */
  serialize(): SerializedLock {
    const { key, owner, ttlUs } = this.#wish
    if (this.#held?.state === 'held') {
      handOut(this.#context, this.#held)
      return serializeLease(this.#held, ttlUs)
    }
    // Whoever has its owner finds the hold that it wins later.
    const { engine, rootStore } = this.#context
    if (rootStore.presence && engine.store === rootStore) throw notTransferableError(key)
    return { key, owner, ttl: ttlUs === null ? null : ttlUs / 1000, expirationTime: null, token: null }
  }

  async #take(options: AcquireOptions | undefined): Promise<HeldLease | null> {
    const { retry, signal } = checkAcquireOptions(options)
    return takeLease(this.#context, this.#wish, resolveRetry(retry, this.#context.retry), signal)
  }

  async #takeKept(
    options?: HoldOptions,
    base: ResolvedRetry = this.#context.retry,
    isAtWork = true,
  ): Promise<HeldLease | null> {
    const context = this.#context
    const given = checkHoldOptions(options)
    if (given.keepAlive && !context.keepAlive) {
      throw invalidOption('keepAlive', 'left out in a transaction: nobody else sees its leases before the commit', true)
    }
    const keeping = resolveKeeping(given, context.keeping)
    return takeKeptLease(context, this.#wish, keeping, resolveRetry(given.retry, base), given.signal, isAtWork)
  }

  #keep(held: HeldLease | null, place: LeakPlace | undefined): boolean {
    // A refused second try must not make this object forget the hold that it has.
    if (held) this.#held = held
    if (held) place?.watch(this, held)
    return held !== null
  }

  async #run<Result>(
    callback: RunCallback<Result>,
    held: HeldLease | null,
    signal?: AbortSignal,
  ): Promise<RunOutcome<Result>> {
    if (!held) return [false, null]
    this.#held = held
    const context = this.#context
    const work = workContext(held, signal, () => new Lock(context, this.#wish, held))
    return [true, await runHolding(context, held, () => callback(work))]
  }

  /** The hold of this object. A lock that was restored without a token asks the database which hold its owner has. */
  async #findHeld(inspect = (key: string) => inspectKey(this.#context, key)): Promise<HeldLease | undefined> {
    const { key, owner, ttlUs } = this.#wish
    if (this.#held || !this.#isRestored) return this.#held
    const state = await inspect(key)
    if (state?.owner !== owner) return undefined
    const expiresAtUs = state.remainingUs === null ? null : state.nowUs + state.remainingUs
    return restoredLease(this.#context, { key, owner, ttlUs, expiresAtUs, token: state.token })
  }
}

/** @throws LockError `E_INVALID_OPTION` */
export function checkCallback(callback: unknown): void {
  if (typeof callback !== 'function') throw invalidOption('callback', 'a function', callback)
}
