import '../node-version.ts'
import { checkOptions, invalidOption } from '../options.ts'
import type { LockStore } from '../store/lock-store.ts'
import { MemoryStore } from '../store/memory-store.ts'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** The store's clock in milliseconds, for tests that decide how time goes. Default: a monotonic clock. */
  readonly nowMs?: () => number
}

/**
 * Leases in this process's memory: for the unit tests of your own code, with exactly the answers of the databases.
 * Every call makes a new, empty store.
 *
 * @throws LockError `E_INVALID_OPTION`
 * @example
 * const verrou = new Verrou({ default: 'memory', stores: { memory: { driver: memoryStore() } } })
 */
export function memoryStore(options: MemoryStoreOptions = {}): LockStore {
  checkOptions('options', options, ['nowMs'])
  const { nowMs = () => performance.timeOrigin + performance.now() } = options
  if (typeof nowMs !== 'function') throw invalidOption('nowMs', 'a function', nowMs)
  return new MemoryStore(() => {
    const now: unknown = nowMs()
    const nowUs = typeof now === 'number' ? Math.floor(now * 1000) : Number.NaN
    if (Number.isSafeInteger(nowUs)) return nowUs
    throw invalidOption('nowMs', 'a function that returns a number of milliseconds', now)
  })
}
