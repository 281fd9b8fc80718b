import type { TransactionLike } from '../caller-transaction.ts'
import type { Duration, Ttl } from '../duration.ts'
import { invalidOption, type LockFactoryOptions, type WithinOptions } from '../options.ts'
import type { LockStore } from '../store/lock-store.ts'
import { closeFactory } from './close-factory.ts'
import { type ElectOptions, elect, type LeaderCallback } from './elect.ts'
import type { WorkWrapper } from './event-listeners.ts'
import { type FactoryParts, factoryParts } from './factory-parts.ts'
import { type ListOptions, type LockPage, listLocks } from './list-locks.ts'
import type { Lock, RunCallback, RunOutcome } from './lock.ts'
import type { LockContext } from './lock-context.ts'
import type { LockEvents } from './lock-events.ts'
import { inspectLock, type LockInfo } from './lock-info.ts'
import { newLock, restoredLock } from './new-lock.ts'
import { type Pruned, type PruneOptions, prune } from './prune.ts'
import { type LastRun, lastRunOf, type RunOncePerOptions, runOncePer } from './run-once-per.ts'
import type { SerializedLock } from './serialized-lock.ts'
import { type SessionContext, sessionContextOf } from './session-context.ts'
import { newSessionLock, type SessionLock } from './session-lock.ts'
import { checkSessionOptions, isStrategy, type SessionLockOptions } from './session-options.ts'
import { TransactionLocks } from './transaction-locks.ts'

/**
 * Makes locks that live in one store.
 *
 * @example
 * const locks = new LockFactory(pgStore({ pool }), { retry: { timeout: '10s' } })
 * const lock = locks.createLock('invoice:42', '30s')
 */
export class LockFactory implements AsyncDisposable {
  readonly #parts: FactoryParts
  readonly #context: LockContext
  #session: SessionContext | undefined
  #closed: Promise<void> | undefined

  /**
   * Opens nothing and sends nothing.
   *
   * @throws LockError `E_INVALID_OPTION`
   */
  constructor(store: LockStore, options: LockFactoryOptions = {}) {
    checkStore('store', store)
    this.#parts = factoryParts(store, options)
    this.#context = this.#parts.context
  }

  /**
   * A lock on a key, not yet acquired. Sends nothing.
   *
   * @param key 1 to 1,024 bytes of Unicode without NUL, compared byte by byte
   * @param ttl how long the lease lasts: milliseconds, a string like '30s', or `null` for a lease that never expires
   * (then a crash keeps the key locked until somebody calls `forceRelease`). Default: '30s'
   * @throws LockError `E_INVALID_KEY`, `E_INVALID_DURATION`
   */
  createLock(key: string, ttl?: Ttl): Lock
  /**
   * A lock that a database session of this process holds, instead of a lease: see {@link SessionLock}. Sends nothing.
   *
   * @throws LockError `E_INVALID_KEY`, `E_INVALID_OPTION`; `E_UNSUPPORTED` for a store that has none (SQLite, memory, Kysely without `pool`)
   * @example
   * const lock = locks.createLock('import', { strategy: 'session' })
   */
  createLock(key: string, options: SessionLockOptions): SessionLock
  createLock(key: string, given?: Ttl | SessionLockOptions): Lock | SessionLock {
    if (!isStrategy(given)) return newLock(this.#context, key, given)
    checkSessionOptions(given)
    this.#session ??= sessionContextOf(this.#context)
    return newSessionLock(this.#session, key)
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
   * Runs the callback once in a period, across any number of processes: whoever calls first runs it, and until the period ends,
   * everybody else is refused. The period begins when the run does, by the database's clock.
   *
   * While the callback runs, its lease has a TTL of its own and is kept alive. If the process dies, the key is free after that TTL, and another
   * call may run it in the same period; never two at once. When the callback throws, `onError` decides: `retry` frees the key at
   * once; `skip` counts as the run.
   *
   * Called by a timer, choose a period a little shorter than the timer's: one hour, less a minute, for every hour. By default a call tries once and does
   * not wait. Needs the columns of migration `0002_verrou_run_records`. It is a lock on that key: `createLock` with the same key is refused, too.
   *
   * Sends `sql/<dialect>/acquire.sql` once, `extend-all.sql` every third of the TTL, and `finish-run.sql` once; before the first run of the
   * factory `last-run.sql`. If the database is away when the run ends, the lease is renewed until the end is written down, for 10 s at most. A callback
   * that releases the lock itself frees the period, and nothing is recorded.
   *
   * @returns `[true, result]`; `[false, null]`: it has been run in this period, or is being run
   * @throws whatever the callback throws; `E_LOCK_LOST` when the lease ended before the callback did; else what {@link Lock.acquire} throws;
   * LockError `E_INVALID_KEY`, `E_INVALID_DURATION`, `E_INVALID_OPTION`, `E_SCHEMA_OUTDATED`
   * @example
   * const [ran] = await locks.runOncePer('nightly-report', '23h', () => report())
   */
  runOncePer<Result>(
    key: string,
    period: Duration,
    callback: RunCallback<Result>,
    options?: RunOncePerOptions,
  ): Promise<RunOutcome<Result>> {
    return runOncePer(this.#context, key, period, callback, options)
  }

  /**
   * The last run of {@link runOncePer} that ended, with its callback having returned or thrown. A run in progress, or one whose process died, does
   * not count. Remembered for 30 days at least. Sends `sql/<dialect>/last-run.sql` once.
   *
   * @returns `null`: none is known
   * @throws LockError `E_INVALID_KEY`, `E_SCHEMA_OUTDATED`, `E_LOCK_STORAGE_ERROR`
   * @example
   * const last = await locks.lastRun('nightly-report')
   * if (last?.hasFailed) await alertSomebody(last)
   */
  lastRun(key: string): Promise<LastRun | null> {
    return lastRunOf(this.#context, key)
  }

  /**
   * Takes part in the election of a leader, for as long as it takes, and leads when elected: the callback runs in one process at a
   * time. When it returns, it has resigned, and the call answers what it returned; when it throws, that is thrown, and somebody else leads.
   *
   * When the leadership is lost (the process was paused, or the database was away for longer than the TTL), `signal` aborts; what
   * the callback returns then does not count, and the call takes part in the next election. An outage of the database while waiting is waited out.
   *
   * A crashed leader is followed within the TTL, one that resigned at once. As with any lease, a leader that was paused may not know yet that it
   * is not leader any more: guard what it writes (`lock.guard(trx)`), or write `term` along.
   *
   * Sends `sql/<dialect>/acquire.sql` once per try, `want.sql` while waiting, `extend-all.sql` every third of the TTL, and `release.sql` once.
   *
   * @returns what the callback returned
   * @throws whatever the callback throws; the reason of `signal` while waiting; LockError `E_CLOSED`, `E_INVALID_KEY`, `E_INVALID_DURATION`,
   * `E_INVALID_OPTION`, `E_SCHEMA_MISSING`, `E_LOCK_STORAGE_ERROR` (the database refuses the statements)
   * @example
   * await locks.elect('scheduler', async ({ signal, term }) => {
   *   while (!signal.aborted) await scheduleNext({ signal, term })
   * })
   */
  elect<Result>(key: string, callback: LeaderCallback<Result>, options?: ElectOptions): Promise<Result> {
    return elect(this.#context, key, callback, options)
  }

  /**
   * The keys that the table knows, in the order of their bytes, a page at a time: who holds what. The next page is
   * `list({ …options, after: page.nextAfter })`.
   *
   * Shows what is committed, by the database's clock: a lease that is over is free, also if nobody has released it; one that is written with an open
   * transaction is not there yet; a lock until commit is not seen. Nor are session locks, which are not in the table. A hold of a process that
   * is gone is held until somebody takes it over or its TTL ends, also with `presence`.
   *
   * Sends `sql/<dialect>/list.sql`, which takes no lock, waits for nobody, reads along the primary key, and looks at 1,000 rows at most: once for
   * a small table, and as often as it takes to fill the page where most rows are free. What changes meanwhile may be seen or not.
   *
   * @throws LockError `E_INVALID_OPTION`, `E_SCHEMA_MISSING`, `E_SCHEMA_OUTDATED`, `E_LOCK_STORAGE_ERROR`
   * @example
   * const { locks } = await verrou.list({ prefix: 'invoice:' })
   * for (const { key, heldBy, heldMs } of locks) console.log(key, heldBy, heldMs)
   */
  list(options?: ListOptions): Promise<LockPage> {
    return listLocks(this.#context, options)
  }

  /**
   * What the table knows of one key: who holds it, since when, and for how long. As with {@link LockFactory.list}, what is committed.
   *
   * Sends `sql/<dialect>/inspect.sql` once.
   *
   * @returns `null`: nothing; it was never held, or so long ago that its row has been removed
   * @throws LockError `E_INVALID_KEY`, `E_SCHEMA_MISSING`, `E_SCHEMA_OUTDATED`, `E_LOCK_STORAGE_ERROR`
   * @example
   * const info = await verrou.inspect('invoice:42')
   * if (info?.isHeld) console.log(`${info.heldBy} has had it for ${info.heldMs} ms`)
   */
  inspect(key: string): Promise<LockInfo | null> {
    return inspectLock(this.#context, key)
  }

  /**
   * Removes the rows of keys that have been free for long. A store in use does so in passing, a page of the table every 250 grants: this is for a table
   * that nobody uses any more, or that has grown in a short time.
   *
   * Held keys stay, and what `lastRun` knows is remembered for 30 days; a key whose row is gone gets a higher token all the same when it comes
   * back. Nobody who takes or releases a lock waits for it: it goes through the table along the primary key, removes at most 100 rows at once,
   * passes over rows that are locked (with `portable: true` on MySQL it waits for them), and rests between two statements for as long as the last one took. Several at once do no harm.
   *
   * Sends `sql/<dialect>/sweep-look.sql` once per 500 rows of the table, and `sweep-delete.sql` once per 100 that go.
   *
   * @throws the reason of `signal`; what `onProgress` throws; LockError `E_CLOSED`, `E_INVALID_OPTION`, `E_SCHEMA_MISSING`, `E_SCHEMA_OUTDATED`,
   * `E_LOCK_STORAGE_ERROR`
   * @example
   * const { removed } = await verrou.prune({ retention: '1d' })
   */
  prune(options?: PruneOptions): Promise<Pruned> {
    return prune(this.#context, options)
  }

  /**
   * Calls the listener for every event of that name, right when it happens: see {@link LockEvents}. A listener that throws, or whose promise rejects,
   * changes nothing for anybody else, and is reported once. While nobody listens to an event, it costs nothing.
   *
   * The same events go to the channels `verrou-sql:<event>` of `node:diagnostics_channel`, if somebody has subscribed to them.
   *
   * @returns a function that ends it
   * @throws LockError `E_INVALID_OPTION` for an unknown event
   * @example
   * locks.on('lost', ({ key, heldMs, reason }) => logger.warn({ key, heldMs, reason }, 'lock lost'))
   */
  on<Name extends keyof LockEvents>(event: Name, listener: (event: LockEvents[Name]) => unknown): () => void {
    return this.#parts.listeners.on(event, listener)
  }

  /**
   * Runs every callback of `run`, `runOncePer` and `elect` within the wrapper: for what the work is to have around it, such as a context of
   * `AsyncLocalStorage`, or a span. The wrapper calls `work`, and returns; the result of the work goes past it. If it throws, or does not call `work`,
   * the work is done all the same.
   *
   * @returns a function that ends it
   * @throws LockError `E_INVALID_OPTION`
   * @example
   * locks.wrapWork(({ key }, work) => logContext.run({ lock: key }, work))
   */
  wrapWork(wrapper: WorkWrapper): () => void {
    return this.#parts.listeners.wrapWork(wrapper)
  }

  /**
   * Grants nothing from now on: new and waiting calls reject with `E_CLOSED`, signals of `run` and `hold` abort. Waits
   * for `run` callbacks in progress, then releases what is still held, except locks that were serialized: these are
   * somebody else's by now. Waits at most 5 s for each: the callbacks, the releases, what is still to be cleaned up after
   * lost replies and releases that failed (again and again while the database is away), and a sweep of the table. Leases
   * that could not be released end with their TTL. Your pool or database stays open; a connection that the store has
   * opened beside it is closed.
   */
  close(): Promise<void> {
    this.#closed ??= closeFactory(this.#parts, this.#session)
    return this.#closed
  }

  /** Closes at the end of an `await using` scope. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** @throws LockError `E_INVALID_OPTION` for what is no store */
export function checkStore(option: string, store: unknown): asserts store is LockStore {
  const isStore = typeof store === 'object' && store !== null && 'tryAcquire' in store && 'release' in store
  if (!isStore) throw invalidOption(option, 'a store, such as pgStore({ pool })', store)
}
