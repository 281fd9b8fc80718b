import type { KyselyTransactionLike, TransactionLike } from '../caller-transaction.ts'
import { resolveTtlUs, type Ttl } from '../duration.ts'
import { guardedTransaction, guardLease, type TransactionStarter, type TransactionWork } from './guard.ts'
import type { HeldLease } from './held-lease.ts'
import { extendLease, handOut, type LockContext, releaseLease, storeWithin } from './lock-context.ts'
import { notOwnedError } from './lock-errors.ts'
import { releaseAfterWork } from './run-holding.ts'
import { type SerializedLock, serializeLease } from './serialized-lock.ts'

/**
 * One hold of a lock, as `lock.hold()` returns it: released when it goes out of scope.
 *
 * @example
 * {
 *   await using held = await lock.hold()
 *   await work({ signal: held.signal, token: held.fencingToken })
 * } // released here, also when the work throws
 */
export class Hold implements AsyncDisposable {
  readonly #context: LockContext
  readonly #held: HeldLease
  readonly #ttlUs: number | null

  /** @internal Holds come from `lock.hold()`. */
  constructor(context: LockContext, held: HeldLease, ttlUs: number | null) {
    this.#context = context
    this.#held = held
    this.#ttlUs = ttlUs
  }

  /** The key that is held. */
  get key(): string {
    return this.#held.key
  }

  /** Higher than the token of every earlier grant of the key: write it with your data to fence out late writers. */
  get fencingToken(): number {
    return this.#held.token
  }

  /** Aborts with `E_LOCK_LOST` when holding cannot be proven any more: at the local deadline at the latest. */
  get signal(): AbortSignal {
    return this.#held.signal
  }

  /** Whether holding cannot be proven any more. Local; asks nobody. */
  isExpired(): boolean {
    return this.#held.state === 'held' && this.#held.isOver()
  }

  /** Milliseconds that are left at least; `null`: never expires. Local; asks nobody. */
  getRemainingTime(): number | null {
    return this.#held.state === 'released' ? 0 : this.#held.remainingMs()
  }

  /**
   * Extends the hold to `ttl` from now; default: the TTL of the lock. Sends `sql/<dialect>/extend.sql`.
   *
   * @throws LockError `E_LOCK_LOST` when the hold is over; `E_LOCK_NOT_OWNED` after a release;
   * `E_INVALID_DURATION`; `E_LOCK_STORAGE_ERROR`
   */
  async extend(ttl?: Ttl): Promise<void> {
    const ttlUs = ttl === undefined ? this.#ttlUs : resolveTtlUs(ttl)
    if (this.#held.state === 'released') throw notOwnedError(this.key)
    if (this.#held.isOver() || !(await extendLease(this.#context, this.#held, ttlUs))) throw this.#held.lossError()
  }

  /**
   * Checks, in a transaction of yours, that this hold is current, and keeps it so until the transaction ends: see
   * {@link Lock.guard}.
   *
   * @throws LockError `E_LOCK_LOST`; `E_LOCK_NOT_OWNED` after a release; else what {@link Lock.guard} throws
   */
  async guard(transaction: TransactionLike): Promise<void> {
    if (this.#held.state === 'released') throw notOwnedError(this.key)
    if (this.#held.state === 'lost') throw this.#held.lossError()
    await guardLease(this.#context, storeWithin(this.#context, transaction), this.#held)
  }

  /**
   * Begins a transaction of Kysely, {@link guard}s it, does the work in it, and commits: see {@link Lock.transaction}.
   *
   * @throws whatever the work throws; else what {@link guard} throws
   */
  transaction<Transaction extends KyselyTransactionLike, Result>(
    starter: TransactionStarter<Transaction>,
    work: TransactionWork<Transaction, Result>,
  ): Promise<Result> {
    return guardedTransaction(starter, (transaction) => this.guard(transaction), work)
  }

  /**
   * Releases the hold. Sends `sql/<dialect>/release.sql`, or `hand-over.sql`, if somebody in this process waits for the key.
   *
   * @throws LockError `E_LOCK_NOT_OWNED` when it was released before or taken over; `E_LOCK_STORAGE_ERROR`
   */
  async release(): Promise<void> {
    const isHeld = this.#held.state === 'held'
    if (!isHeld || !(await releaseLease(this.#context, this.#held))) throw notOwnedError(this.key)
  }

  /**
   * The hold as plain JSON, for `restoreLock` in another process, which may then release and extend it.
   *
   * @throws LockError `E_NOT_TRANSFERABLE` when it ends with the `presence` of this process
   */
  serialize(): SerializedLock {
    handOut(this.#context, this.#held)
    return serializeLease(this.#held, this.#ttlUs)
  }

  /**
   * Releases the hold if it was not released yet. A database that does not answer is no error here: the release is
   * repeated in the background.
   *
   * @throws LockError `E_LOCK_LOST` when the hold had ended before: what was done in its scope was not protected
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#held.state === 'released') return
    const loss = await releaseAfterWork(this.#context, this.#held)
    if (loss) throw loss
  }
}
