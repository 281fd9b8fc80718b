import '../node-version.ts'
import { resolveTtlUs } from '../duration.ts'
import { errors, isLockError } from '../errors.ts'
import { checkKey } from '../key.ts'
import type { Lock } from '../locks/lock.ts'
import { checkStore, LockFactory } from '../locks/lock-factory.ts'
import { checkOptions } from '../options.ts'
import type { LockStore } from '../store/lock-store.ts'

/** Options of {@link verrouStore}. */
export interface VerrouStoreOptions {
  /**
   * Who holds the locks, for people who look at the table (column `held_by`); at most 255 bytes. Never used for a decision.
   * Default: `host:pid`.
   */
  readonly label?: string | undefined
}

/** What `@verrou/core` asks of a store (its own name for this shape is `LockStore`). Times are milliseconds. */
export interface VerrouLockStore {
  /** One try: `false` only when somebody holds the key. Sends `sql/<dialect>/acquire.sql` once. */
  save(key: string, owner: string, ttl: number | null): Promise<boolean>
  /** Releases what this owner holds, live or expired. Sends `release.sql`; if the hold was taken in another process, `inspect.sql` before it. */
  delete(key: string, owner: string): Promise<void>
  /** Frees the key, whoever holds it. Sends `force-release.sql` once. */
  forceDelete(key: string): Promise<void>
  /** Whether anybody holds the key. Sends `inspect.sql` once. */
  exists(key: string): Promise<boolean>
  /** Makes a live hold of this owner last `duration` from now. Sends `extend.sql`; if the hold was taken in another process, `inspect.sql` before it. */
  extend(key: string, owner: string, duration: number): Promise<void>
}

/** A driver for the `stores` of a `Verrou` of `@verrou/core`. */
export interface VerrouDriver {
  /** What `@verrou/core` calls to get the store: always the same one. */
  factory(): VerrouLockStore
  /**
   * Grants nothing from now on, and closes what the store has opened for itself. Your pool or database stays open, and so do the locks that are held:
   * Verrou may have handed them to other processes.
   */
  close(): Promise<void>
}

/**
 * Any store of this library as a driver of `@verrou/core` itself: `Verrou` and its locks stay as they are, and the database decides who holds what, by
 * its own clock. Opens nothing and sends nothing.
 *
 * An error is that of `@verrou/core` where it has one: `E_LOCK_NOT_OWNED` (also for a lease that is over and was to be extended), and
 * `E_LOCK_STORAGE_ERROR` when the database cannot answer; the error of this library is its `cause`. All others are errors of this library.
 *
 * @param store such as `pgStore({ pool })`, without `presence`
 * @throws LockError `E_INVALID_OPTION`; `E_UNSUPPORTED` for a store with `presence`: its locks cannot be handed to other processes, and Verrou may
 * @example
 * import { Verrou } from '@verrou/core'
 *
 * const verrou = new Verrou({ default: 'pg', stores: { pg: { driver: verrouStore(pgStore({ pool })) } } })
 */
export function verrouStore(store: LockStore, options: VerrouStoreOptions = {}): VerrouDriver {
  checkStore('store', store)
  checkOptions('options', options, ['label'])
  if (store.presence) {
    const message =
      'a store with `presence` cannot be a driver of @verrou/core, whose locks can be handed to other processes'
    throw new errors.E_UNSUPPORTED(`${message}; make the store without \`presence\``)
  }
  const locks = new LockFactory(store, options)
  const leases = new LeasesOfOwners(locks)
  return { factory: () => leases, close: () => locks.close() }
}

/** More holds than a process usually has at a time. Those beyond it are looked up, which costs a statement. */
const MOST_REMEMBERED = 10_000

/** Verrou names a hold by its key and owner; the token, the third name of a hold, is remembered or looked up here. */
class LeasesOfOwners implements VerrouLockStore {
  readonly #locks: LockFactory
  /** The last grant of each key and owner in this process, the oldest first. */
  readonly #tokens = new Map<string, number>()

  constructor(locks: LockFactory) {
    this.#locks = locks
  }

  async save(key: string, owner: string, ttl: number | null): Promise<boolean> {
    checkKey(key)
    resolveTtlUs(ttl)
    const lock = this.#locks.restoreLock({ key, owner, ttl, expirationTime: null })
    if (!(await lock.acquireImmediately().catch(failAsVerrou))) return false
    // Serialized at once: closing then leaves it to whoever Verrou has handed it to.
    const { token } = lock.serialize()
    if (token) this.#remember(nameOf(key, owner), token)
    return true
  }

  async delete(key: string, owner: string): Promise<void> {
    await this.#asOwner(key, owner, (lock) => lock.release())
    this.#tokens.delete(nameOf(key, owner))
  }

  async extend(key: string, owner: string, duration: number): Promise<void> {
    await this.#asOwner(key, owner, (lock) => lock.extend(duration))
  }

  async forceDelete(key: string): Promise<void> {
    await this.#locks.createLock(key).forceRelease().catch(failAsVerrou)
  }

  async exists(key: string): Promise<boolean> {
    return await this.#locks.createLock(key).isLocked().catch(failAsVerrou)
  }

  /** With the token that this process knows; if that hold is over, with that of a later one, which the owner may have taken in another process. */
  async #asOwner(key: string, owner: string, act: (lock: Lock) => Promise<void>): Promise<void> {
    checkKey(key)
    const holder = { key, owner, ttl: null, expirationTime: null }
    const token = this.#tokens.get(nameOf(key, owner))
    if (token) {
      try {
        return await act(this.#locks.restoreLock({ ...holder, token }))
      } catch (error) {
        if (!isOver(error)) return await failAsVerrou(error)
        this.#tokens.delete(nameOf(key, owner))
      }
    }
    await act(this.#locks.restoreLock(holder)).catch(failAsNotOwned)
  }

  #remember(name: string, token: number): void {
    this.#tokens.delete(name)
    this.#tokens.set(name, token)
    const [oldest] = this.#tokens.keys()
    if (this.#tokens.size > MOST_REMEMBERED && oldest !== undefined) this.#tokens.delete(oldest)
  }
}

/** No key contains NUL. */
function nameOf(key: string, owner: string): string {
  return `${key}\0${owner}`
}

function isOver(error: unknown): boolean {
  return isLockError(error, 'E_LOCK_NOT_OWNED') || isLockError(error, 'E_LOCK_LOST')
}

/** Users of Verrou look at its classes; what it has no class for stays as it is. */
async function failAsVerrou(error: unknown): Promise<never> {
  if (!isLockError(error, 'E_LOCK_STORAGE_ERROR')) throw error
  const { E_LOCK_STORAGE_ERROR } = await importVerrou()
  const { message } = error
  // Their template prints it with %s, which takes `toString` of what has one.
  throw new E_LOCK_STORAGE_ERROR([{ message, toString: () => message } as { message: string }], { cause: error })
}

/** The same, after the owner was asked for a hold that it does not have. */
async function failAsNotOwned(error: unknown): Promise<never> {
  if (!isOver(error)) return await failAsVerrou(error)
  const { E_LOCK_NOT_OWNED } = await importVerrou()
  throw new E_LOCK_NOT_OWNED(undefined, { cause: error })
}

/** Whoever gets an error of it has loaded it. Not at the top: it opens the standard streams, and importing us opens nothing. */
function importVerrou() {
  return import('@verrou/core')
}
