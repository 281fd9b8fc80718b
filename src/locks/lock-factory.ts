import { hostname } from 'node:os'
import type { TransactionLike } from '../caller-transaction.ts'
import type { Ttl } from '../duration.ts'
import type { Timing } from '../engine/ask.ts'
import { boundsOf } from '../engine/bounds.ts'
import { DatabaseClock } from '../engine/database-clock.ts'
import { BackgroundGiveBack } from '../engine/give-back.ts'
import { polling } from '../engine/waiting.ts'
import { errors } from '../errors.ts'
import {
  checkLabel,
  checkOptions,
  invalidOption,
  type LockFactoryOptions,
  resolveRetry,
  type WithinOptions,
} from '../options.ts'
import type { LockStore } from '../store/lock-store.ts'
import { systemClock } from '../system-clock.ts'
import { HoldRegistry } from './hold-registry.ts'
import type { Lock } from './lock.ts'
import { type LockContext, releaseLease } from './lock-context.ts'
import { newLock, restoredLock } from './new-lock.ts'
import type { SerializedLock } from './serialized-lock.ts'
import { TransactionLocks } from './transaction-locks.ts'

/** How long closing waits for callbacks in progress, and again for the database to confirm the releases. */
const CLOSE_WITHIN_MS = 5_000

/**
 * Makes locks that live in one store.
 *
 * @example
 * const locks = new LockFactory(pgStore({ pool }), { retry: { timeout: '10s' } })
 * const lock = locks.createLock('invoice:42', '30s')
 */
export class LockFactory implements AsyncDisposable {
  readonly #store: LockStore
  readonly #context: LockContext
  readonly #giveBack: BackgroundGiveBack
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined

  /**
   * Opens nothing and sends nothing.
   *
   * @throws LockError `E_INVALID_OPTION`
   */
  constructor(store: LockStore, options: LockFactoryOptions = {}) {
    checkStore('store', store)
    checkOptions('options', options, ['retry', 'label'])
    const retry = resolveRetry(options.retry)
    const timing: Timing = { clock: systemClock, chance: Math.random }
    this.#store = store
    this.#giveBack = new BackgroundGiveBack(store, timing)
    this.#context = {
      engine: { store, timing, waiting: polling(timing), giveBack: this.#giveBack },
      rootStore: store,
      retry,
      once: { ...retry, attempts: 1 },
      heldBy: checkLabel(options.label) ?? `${hostname()}:${process.pid}`,
      closing: this.#closing.signal,
      holds: new HoldRegistry(timing.clock),
      databaseClock: new DatabaseClock(timing.clock),
      running: new Map(),
    }
  }

  /**
   * A lock on a key, not yet acquired. Sends nothing.
   *
   * @param key 1 to 1,024 bytes of Unicode without NUL, compared byte by byte
   * @param ttl how long the lease lasts: milliseconds, a string like '30s', or `null` for a lease that never expires
   * (then a crash keeps the key locked until somebody calls `forceRelease`). Default: '30s'
   * @throws LockError `E_INVALID_KEY`, `E_INVALID_DURATION`
   */
  createLock(key: string, ttl?: Ttl): Lock {
    return newLock(this.#context, key, ttl)
  }

  /**
   * The lock that another process serialized, with its key, owner and hold. Sends nothing. Also takes the form of
   * Verrou, which has no token: the token is then looked up when the lock is first released or extended.
   *
   * @throws LockError `E_INVALID_SERIALIZED_LOCK`
   * @example
   * const lock = verrou.restoreLock(job.lock)
   * await lock.extend() // proves that the hold is live, and gives the worker a full TTL
   * await work()
   * await lock.release()
   */
  restoreLock(serialized: SerializedLock): Lock {
    return restoredLock(this.#context, serialized)
  }

  /**
   * The locks of a transaction of yours: every statement of theirs is sent on it, so that they commit or roll back with what you
   * write in it. Sends nothing. Never begins, ends or changes the transaction.
   *
   * Takes a `Transaction` of Kysely, or what the `from…` function of `verrou-sql/adapters/…` makes of another library's. It must be
   * a transaction on the database that has the lock table; the table must be there already.
   *
   * @throws LockError `E_INVALID_OPTION` for what is no transaction; `E_UNSUPPORTED` for a store without transactions (memory)
   * @example
   * await db.transaction().execute(async (trx) => {
   *   const lock = locks.within(trx).createLock('order:42', '30s')
   *   if (!(await lock.acquireImmediately())) throw new Error('somebody is at this order')
   *   await trx.insertInto('jobs').values({ order_id: 42, lock: JSON.stringify(lock.serialize()) }).execute()
   * })
   */
  within(transaction: TransactionLike, options?: WithinOptions): TransactionLocks {
    return new TransactionLocks(this.#context, transaction, options)
  }

  /**
   * Grants nothing from now on: new and waiting calls reject with `E_CLOSED`, signals of `run` and `hold` abort. Waits
   * for `run` callbacks in progress, then releases what is still held, except locks that were serialized: these are
   * somebody else's by now. Waits at most 5 s for each: the callbacks, the releases, what is still to be cleaned up after
   * lost replies, and a sweep of the table. Leases that could not be released end with their TTL. The connections of the store
   * stay open: they are yours.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /** Closes at the end of an `await using` scope. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const { holds, running } = this.#context
    const reason = new errors.E_CLOSED('this LockFactory was closed')
    this.#closing.abort(reason)
    for (const held of holds.all()) held.abort(reason)
    await this.#within(Promise.allSettled(running.keys()))
    await this.#within(Promise.allSettled(this.#leftovers().map((held) => releaseLease(this.#context, held))))
    await this.#giveBack.close(CLOSE_WITHIN_MS)
    await this.#within(this.#store.close())
  }

  /** What closing releases. Work that did not end in time is still in its critical section: its lease ends by itself. */
  #leftovers() {
    const { holds, running } = this.#context
    const atWork = new Set(running.values())
    return holds.all().filter((held) => !held.isShared && !held.isOver() && !atWork.has(held))
  }

  async #within(work: Promise<unknown>): Promise<void> {
    await boundsOf(this.#context.engine.timing.clock, CLOSE_WITHIN_MS)
      .race(work)
      .catch(() => {})
  }
}

/** @throws LockError `E_INVALID_OPTION` for what is no store */
export function checkStore(option: string, store: unknown): asserts store is LockStore {
  const isStore = typeof store === 'object' && store !== null && 'tryAcquire' in store && 'release' in store
  if (!isStore) throw invalidOption(option, 'a store, such as pgStore({ pool })', store)
}
