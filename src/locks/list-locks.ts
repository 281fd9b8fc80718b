import { ask } from '../engine/ask.ts'
import { boundsOf, pause } from '../engine/bounds.ts'
import { checkKeyPart, checkOptions, invalidOption } from '../options.ts'
import type { ListedKey, ListLook } from '../store/lock-store.ts'
import type { LockContext } from './lock-context.ts'
import { type LockInfo, lockInfoOf } from './lock-info.ts'

/** Options of `list`. */
export interface ListOptions {
  /** Only keys that begin with it, byte by byte: no character of it means anything else. Default: '', all keys. */
  readonly prefix?: string | undefined
  /** `held`: only keys that somebody holds; `free`: only the others that the table still remembers. Default: 'held'. */
  readonly state?: 'held' | 'free' | 'all' | undefined
  /** How many at most: an integer from 1 to 10,000. Default: 100. */
  readonly limit?: number | undefined
  /** Only keys behind this one: `nextAfter` of the page before. Default: from the first. */
  readonly after?: string | undefined
}

/** One page of a list. */
export interface LockPage {
  /** In the order of their keys, which is that of their bytes. */
  readonly locks: readonly LockInfo[]
  /** What the next page takes as `after`; `null`: this is the last one. */
  readonly nextAfter: string | null
}

const STATES: readonly unknown[] = ['held', 'free', 'all'] satisfies ListOptions['state'][]
const LONGEST_PAGE = 10_000

/** See `LockFactory.list`. */
export async function listLocks({ rootStore, engine }: LockContext, options: ListOptions = {}): Promise<LockPage> {
  const { prefix, state, limit, after } = resolveList(options)
  const { timing } = engine
  const bounds = boundsOf(timing.clock, Infinity)
  const found: ListedKey[] = []
  for (let afterKey: string | null = after; afterKey !== null; ) {
    const look: ListLook = {
      ...{ afterKey, prefix, showsHeld: state !== 'free', showsFree: state !== 'held' },
      // One more than asked for tells whether there is another page.
      limit: limit + 1 - found.length,
    }
    const { keys, lastKey } = await ask(() => rootStore.list(look), timing, bounds)
    found.push(...keys)
    afterKey = found.length > limit ? null : lastKey
    // The driver of SQLite blocks the process: between two of many looks it renews its leases, and answers others.
    if (afterKey !== null) await pause(timing.clock, 0, bounds)
  }
  const locks = found.slice(0, limit).map(lockInfoOf)
  return Object.freeze({
    locks: Object.freeze(locks),
    nextAfter: found.length > limit ? (locks.at(-1)?.key ?? null) : null,
  })
}

function resolveList(options: ListOptions) {
  checkOptions('options', options, ['prefix', 'state', 'limit', 'after'])
  const { prefix = '', state = 'held', limit = 100, after = '' } = options
  checkKeyPart('prefix', prefix)
  checkKeyPart('after', after)
  if (!STATES.includes(state)) throw invalidOption('state', "'held', 'free' or 'all'", state)
  const isLimit = Number.isSafeInteger(limit) && limit >= 1 && limit <= LONGEST_PAGE
  if (!isLimit) throw invalidOption('limit', `an integer from 1 to ${LONGEST_PAGE}`, limit)
  return { prefix, state, limit, after }
}
