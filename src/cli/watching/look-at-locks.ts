import type { LockFactory, LockInfo } from '../../index.ts'

/** Which locks are looked at. */
export interface LookOptions {
  /** Keys that begin with it. Default: all. */
  readonly prefix?: string | undefined
  /** Default: 'held'. */
  readonly state?: 'held' | 'all' | undefined
  /** No more than these. Default: 50,000. */
  readonly mostLocks?: number | undefined
  /** How many are asked for at a time. Default: 10,000, the most that can be. */
  readonly pageLocks?: number | undefined
}

/** The locks as they were when somebody looked. */
export interface FoundLocks {
  readonly locks: ReadonlyMap<string, LockInfo>
  /** There are more than were looked at. */
  readonly isCut: boolean
}

const PAGE_LOCKS = 10_000
const MOST_LOCKS = 50_000

/** Every lock, page by page: pages are of different moments, so that a lock may change between two of them. */
export async function lookAtLocks(locks: Pick<LockFactory, 'list'>, options: LookOptions = {}): Promise<FoundLocks> {
  const { prefix, state = 'held', mostLocks = MOST_LOCKS, pageLocks = PAGE_LOCKS } = options
  const found = new Map<string, LockInfo>()
  let after: string | null = null
  do {
    const limit: number = Math.min(pageLocks, mostLocks - found.size)
    const page = await locks.list({ state, limit, ...(prefix && { prefix }), ...(after !== null && { after }) })
    for (const lock of page.locks) found.set(lock.key, lock)
    after = page.nextAfter
  } while (after !== null && found.size < mostLocks)
  return { locks: found, isCut: after !== null }
}
