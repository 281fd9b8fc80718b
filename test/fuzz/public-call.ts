import type { Lock, LockFactory, TransactionLocks } from '../../src/index.ts'

// biome-ignore lint/suspicious/noExplicitAny: what is not typed right is what is tested
export type Anything = any

/** Where nonsense is tried out. */
export interface World {
  readonly locks: LockFactory
  /** A lock on a key that nobody else has. */
  fresh(): Lock
  /** A lock on a key that somebody has. */
  readonly busy: Lock
  /** The locks of a transaction that is open. */
  readonly within: TransactionLocks
}

/** A public call that is given three values, whatever they are. */
export interface PublicCall {
  call(world: World, a: Anything, b: Anything, c: Anything): unknown
  /** Whether the library must call what it is given: a store, a pool, a transaction. */
  readonly isForeign?: boolean
  /** What the rules say of a value that comes back; left out: it must come back in time. */
  isRight?(value: Anything, a: Anything, b: Anything, c: Anything): boolean
  /** Whether the rules accept the values at all; left out, or no answer: nobody knows. */
  isAccepted?(a: Anything, b: Anything, c: Anything): boolean | undefined
}
