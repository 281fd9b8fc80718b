import type { TransactionLike } from '../caller-transaction.ts'
import type { Ttl } from '../duration.ts'
import { giveBackWithin, tryingUntilCommit, waitingWithin } from '../engine/within-transaction.ts'
import { checkKey } from '../key.ts'
import {
  checkAcquireOptions,
  checkOptions,
  checkWithinOptions,
  invalidOption,
  type LockUntilCommitOptions,
  type ResolvedRetry,
  resolveRetry,
  type WithinOptions,
} from '../options.ts'
import { randomId } from '../random-id.ts'
import type { TransactionStore } from '../store/lock-store.ts'
import { HoldRegistry } from './hold-registry.ts'
import type { Lock } from './lock.ts'
import { type LockContext, storeWithin } from './lock-context.ts'
import { newLock, restoredLock } from './new-lock.ts'
import type { SerializedLock } from './serialized-lock.ts'
import { refuseSession } from './session-options.ts'
import { watchedAcquire } from './watched-acquire.ts'

/**
 * A transaction that waits has a connection, and often rows that others want. So it never waits for ever unless it is told to
 * (`timeout: null`): a circle that leads through your own rows is one that neither we nor the database can see.
 */
const LONGEST_WAIT_MS = 10_000

/** A lock that lives until its transaction ends. */
export interface LockUntilCommit {
  /** The key that is locked. */
  readonly key: string
  /** Higher than the token of every earlier grant of the key, leases included. It counts once the transaction commits. */
  readonly fencingToken: number
}

/**
 * The locks of one transaction of the caller's: see {@link LockFactory.within}.
 *
 * @example
 * await db.transaction().execute(async (trx) => {
 *   const locked = await verrou.within(trx).lockUntilCommit(['account:7', 'account:8'], { timeout: '5s' })
 *   if (!locked) throw new Error('the accounts are busy')
 *   await transfer(trx)
 * }) // unlocked here, by the commit
 */
export class TransactionLocks {
  readonly #store: TransactionStore
  readonly #context: LockContext

  /** @internal Made by `within`. */
  constructor(factory: LockContext, transaction: TransactionLike, options: WithinOptions = {}) {
    checkWithinOptions(options)
    const store = storeWithin(factory, transaction, options)
    const { timing } = factory.engine
    const retry: ResolvedRetry = {
      ...factory.retry,
      timeoutMs: Math.min(factory.retry.timeoutMs, LONGEST_WAIT_MS),
    }
    this.#store = store
    this.#context = {
      ...factory,
      engine: { store, timing, waiting: waitingWithin(store, timing), giveBack: giveBackWithin(store) },
      retry,
      once: { ...retry, attempts: 1 },
      keepAlive: undefined,
      keeping: { ...factory.keeping, isKeptAlive: false },
      // Closing the factory ends nothing that a transaction has taken: the transaction does.
      holds: new HoldRegistry(timing.clock),
      running: new Map(),
      reporter: factory.reporter.of('lease', true),
      // What is taken here is often meant to outlive its object.
      leaks: undefined,
    }
  }

  /**
   * A lease that is written with the transaction: it is there once that commits, and was never there if it rolls back. The same
   * `Lock` as elsewhere, with all its calls, each of them sent on the transaction; use it before the transaction ends.
   * After that, `verrou.restoreLock(lock.serialize())` is the lock outside of it. See {@link LockFactory.createLock}.
   *
   * `acquire` waits for at most 10 s by default here, and only where the transaction could see that the lock becomes free.
   *
   * @throws LockError `E_INVALID_KEY`, `E_INVALID_DURATION`; `E_UNSUPPORTED` for a session lock. The calls of the lock also throw `E_TRANSACTION_CONFLICT`,
   * `E_TRANSACTION_ISOLATION`, `E_TRANSACTION_READ_ONLY`, `E_TRANSACTION_FAILED` and `E_TRANSACTION_REQUIRED`
   */
  createLock(key: string, ttl?: Ttl): Lock {
    refuseSession(ttl)
    return newLock(this.#context, key, ttl)
  }

  /**
   * A lock that was serialized elsewhere, on this transaction: a worker writes its result and releases in one. See
   * {@link LockFactory.restoreLock}.
   *
   * @throws LockError `E_INVALID_SERIALIZED_LOCK`
   */
  restoreLock(serialized: SerializedLock): Lock {
    return restoredLock(this.#context, serialized)
  }

  /**
   * Locks a key until the transaction ends, however it ends: nothing is to be released, and nothing stays behind. Keeps out
   * leases on the key and other transactions, and is kept out by them. The same transaction may lock a key again.
   *
   * Several keys are locked one after the other in the order of their bytes, so that two calls never wait for each other.
   * When one of them is refused, those before it stay locked until the transaction ends: roll it back.
   *
   * A rollback to a savepoint from before the call ends the lock, too.
   *
   * Sends `sql/postgres/acquire-within.sql` once per try; on MySQL and MariaDB `look.sql` and `take.sql` (a new key: `create-within.sql`);
   * on SQLite `peek.sql` and `acquire.sql`. Waits in the database only on MySQL, for a second at
   * most, when another transaction is inserting the same new key; and under SERIALIZABLE there, for a moment.
   *
   * @returns the lock, or one for each key in the order given; `false`: not granted in time
   * @throws LockError `E_INVALID_KEY`, `E_INVALID_OPTION`, `E_CLOSED`, `E_TRANSACTION_CONFLICT`, `E_TRANSACTION_ISOLATION`,
   * `E_TRANSACTION_READ_ONLY`, `E_TRANSACTION_FAILED`, `E_TRANSACTION_REQUIRED`, `E_LOCK_STORAGE_ERROR`, `E_SCHEMA_MISSING`,
   * `E_SCHEMA_OUTDATED`; the reason of `signal`
   * @example
   * const locked = await verrou.within(trx).lockUntilCommit('account:7', { timeout: '5s' })
   * if (!locked) throw new Error('the account is busy')
   */
  lockUntilCommit(key: string, options?: LockUntilCommitOptions): Promise<LockUntilCommit | false>
  /**
   * The same for several keys.
   *
   * @throws LockError as for one key
   */
  lockUntilCommit(keys: readonly string[], options?: LockUntilCommitOptions): Promise<LockUntilCommit[] | false>
  async lockUntilCommit(
    given: string | readonly string[],
    options: LockUntilCommitOptions = {},
  ): Promise<LockUntilCommit | LockUntilCommit[] | false> {
    checkOptions('options', options, ['timeout', 'signal'])
    const { signal } = checkAcquireOptions({ signal: options.signal })
    const { timeoutMs } = resolveRetry({ timeout: options.timeout }, this.#context.retry)
    const keys = typeof given === 'string' ? [given] : given
    checkKeys(keys)

    const locked = new Map<string, LockUntilCommit>()
    const { clock } = this.#context.engine.timing
    const endMs = clock.nowMs() + timeoutMs
    for (const key of inByteOrder(keys)) {
      const leftMs = timeoutMs === 0 ? 0 : endMs - clock.nowMs()
      // Not one more try: `0` would mean one without a bound.
      if (timeoutMs > 0 && leftMs <= 0) return false
      const hold = await this.#lockOne(key, leftMs, signal)
      if (!hold) return false
      locked.set(key, hold)
    }
    const holds = keys.map((key) => locked.get(key) as LockUntilCommit)
    return typeof given === 'string' ? (holds[0] as LockUntilCommit) : holds
  }

  async #lockOne(key: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<LockUntilCommit | null> {
    const { engine, retry, closing, signals, reporter } = this.#context
    const told = reporter.of('until-commit', true)
    const request = { key, owner: '', attempt: randomId(), ttlUs: null, heldBy: '' }
    const trying = tryingUntilCommit(this.#store, engine.timing)
    const patience = { ...retry, timeoutMs }
    const grant = await watchedAcquire(trying, request, patience, told, closing, signal && signals.of(signal))
    return grant && Object.freeze({ key, fencingToken: grant.token })
  }
}

function checkKeys(keys: unknown): void {
  if (!Array.isArray(keys) || keys.length === 0) throw invalidOption('key', 'a key, or an array of at least one', keys)
  for (const key of keys) checkKey(key)
}

/** Each once. */
function inByteOrder(keys: readonly string[]): string[] {
  return [...new Set(keys)].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
}
