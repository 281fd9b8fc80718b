import type { TransactionLike } from '../caller-transaction.ts'
import { describeValue, nameIn } from '../describe-value.ts'
import type { Duration, Ttl } from '../duration.ts'
import { errors } from '../errors.ts'
import { checkOptions, type LockFactoryOptions, namesIn, type WithinOptions } from '../options.ts'
import type { LockStore } from '../store/lock-store.ts'
import type { ElectOptions, LeaderCallback } from './elect.ts'
import type { WorkWrapper } from './event-listeners.ts'
import { FACTORY_OPTIONS } from './factory-parts.ts'
import type { ListOptions, LockPage } from './list-locks.ts'
import type { Lock, RunCallback, RunOutcome } from './lock.ts'
import type { LockEvents } from './lock-events.ts'
import { checkStore, LockFactory } from './lock-factory.ts'
import type { LockInfo } from './lock-info.ts'
import type { Pruned, PruneOptions } from './prune.ts'
import type { LastRun, RunOncePerOptions } from './run-once-per.ts'
import type { SerializedLock } from './serialized-lock.ts'
import type { SessionLock } from './session-lock.ts'
import type { SessionLockOptions } from './session-options.ts'
import type { TransactionLocks } from './transaction-locks.ts'

/** The stores of a {@link Verrou}, by the names that `use` takes. */
export type VerrouStores = Readonly<Record<string, { readonly driver: LockStore }>>

/** Options of {@link Verrou}: its stores, and the defaults for every lock. */
export interface VerrouOptions<Stores extends VerrouStores> extends LockFactoryOptions {
  /** The store that `verrou.createLock` and the others use. */
  readonly default: keyof Stores & string
  /** All stores by name. */
  readonly stores: Stores
}

/**
 * The front door: one or several stores by name.
 *
 * @example
 * const verrou = new Verrou({
 *   default: 'pg',
 *   stores: { pg: { driver: pgStore({ pool }) }, memory: { driver: memoryStore() } },
 * })
 * const lock = verrou.createLock('invoice:42', '30s')
 * const other = verrou.use('memory').createLock('cache', '1s')
 */
export class Verrou<const Stores extends VerrouStores> implements AsyncDisposable {
  readonly #default: keyof Stores & string
  readonly #factories: ReadonlyMap<string, LockFactory>

  /**
   * Opens nothing and sends nothing.
   *
   * @throws LockError `E_INVALID_OPTION`
   */
  constructor(options: VerrouOptions<Stores>) {
    checkOptions('options', options, ['default', 'stores', ...FACTORY_OPTIONS])
    const { default: defaultStore, stores, ...factoryOptions } = options
    namesIn('stores', stores)
    this.#factories = new Map(
      Object.entries(stores).map(([name, store]) => {
        checkStore(`stores.${nameIn(name)}.driver`, store?.driver)
        return [name, new LockFactory(store.driver, factoryOptions)]
      }),
    )
    this.#default = defaultStore
    this.use(defaultStore)
  }

  /**
   * The locks of one store by name; always the same factory for the same name.
   *
   * @throws LockError `E_INVALID_OPTION` for a name that is not among the stores (which does not compile either)
   */
  use(store: keyof Stores & string): LockFactory {
    const factory = this.#factories.get(store)
    if (factory) return factory
    const known = [...this.#factories.keys()].map((name) => `\`${nameIn(name)}\``).join(', ')
    throw new errors.E_INVALID_OPTION(`there is no store ${describeValue(store)}; the stores are ${known || '(none)'}`)
  }

  /** A lock of the default store: see {@link LockFactory.createLock}. */
  createLock(key: string, ttl?: Ttl): Lock
  /** A session lock of the default store: see {@link LockFactory.createLock}. */
  createLock(key: string, options: SessionLockOptions): SessionLock
  createLock(key: string, given?: Ttl | SessionLockOptions): Lock | SessionLock {
    return this.use(this.#default).createLock(key, given as SessionLockOptions)
  }

  /** A lock of the default store that another process serialized: see {@link LockFactory.restoreLock}. */
  restoreLock(serialized: SerializedLock): Lock {
    return this.use(this.#default).restoreLock(serialized)
  }

  /** The locks of a transaction of yours, in the default store: see {@link LockFactory.within}. */
  within(transaction: TransactionLike, options?: WithinOptions): TransactionLocks {
    return this.use(this.#default).within(transaction, options)
  }

  /** Once in a period, in the default store: see {@link LockFactory.runOncePer}. */
  runOncePer<Result>(
    key: string,
    period: Duration,
    callback: RunCallback<Result>,
    options?: RunOncePerOptions,
  ): Promise<RunOutcome<Result>> {
    return this.use(this.#default).runOncePer(key, period, callback, options)
  }

  /** The last of those runs, in the default store: see {@link LockFactory.lastRun}. */
  lastRun(key: string): Promise<LastRun | null> {
    return this.use(this.#default).lastRun(key)
  }

  /** One leader at a time, by the default store: see {@link LockFactory.elect}. */
  elect<Result>(key: string, callback: LeaderCallback<Result>, options?: ElectOptions): Promise<Result> {
    return this.use(this.#default).elect(key, callback, options)
  }

  /** The keys that the table of the default store knows: see {@link LockFactory.list}. */
  list(options?: ListOptions): Promise<LockPage> {
    return this.use(this.#default).list(options)
  }

  /** What the table of the default store knows of a key: see {@link LockFactory.inspect}. */
  inspect(key: string): Promise<LockInfo | null> {
    return this.use(this.#default).inspect(key)
  }

  /** Removes what has been free for long from the table of the default store: see {@link LockFactory.prune}. */
  prune(options?: PruneOptions): Promise<Pruned> {
    return this.use(this.#default).prune(options)
  }

  /** Listens to the events of all stores: see {@link LockFactory.on}. @returns a function that ends it */
  on<Name extends keyof LockEvents>(event: Name, listener: (event: LockEvents[Name]) => unknown): () => void {
    return this.#ofAll((factory) => factory.on(event, listener))
  }

  /** Runs callbacks within the wrapper, whatever their store: see {@link LockFactory.wrapWork}. @returns a function that ends it */
  wrapWork(wrapper: WorkWrapper): () => void {
    return this.#ofAll((factory) => factory.wrapWork(wrapper))
  }

  /** Closes all stores: see {@link LockFactory.close}. */
  async close(): Promise<void> {
    await Promise.all([...this.#factories.values()].map((factory) => factory.close()))
  }

  /** Closes at the end of an `await using` scope. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #ofAll(begin: (factory: LockFactory) => () => void): () => void {
    const ends = [...this.#factories.values()].map(begin)
    return () => {
      for (const end of ends) end()
    }
  }
}
