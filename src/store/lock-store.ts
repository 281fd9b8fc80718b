import type { TransactionLike } from '../caller-transaction.ts'
import type { WithinOptions } from '../options.ts'

/** What one `acquire` call asks for. Every kind of lock reaches the engine and the stores in this shape. */
export interface LeaseRequest {
  /** What is to be locked. */
  readonly key: string
  /** The `Lock` object that asks; a restored lock shares it with the lock it was serialized from. */
  readonly owner: string
  /**
   * The `acquire` call that asks. What a lost reply leaves behind is recognised by it: an owner alone would also
   * recognise the hold of a restored twin as its own.
   */
  readonly attempt: string
  /** Microseconds, or `null` for never. */
  readonly ttlUs: number | null
  /** For people. */
  readonly heldBy: string
}

/** One grant, by the three names that release and extend must all match. */
export interface LeaseHold {
  /** What is locked. */
  readonly key: string
  /** The `Lock` object that was granted it. */
  readonly owner: string
  /** The fencing token: higher than that of every earlier grant of the key. */
  readonly token: number
}

/** A store's answer to one try. */
export type TryOutcome =
  | {
      readonly granted: true
      readonly token: number
      /** The moment of the grant by the store's clock, microseconds since the epoch (at the latest). */
      readonly grantedAtUs: number
    }
  | {
      readonly granted: false
      /** When the lease in the way ends by itself, in microseconds from the answer; `null`: never, or not known. */
      readonly freeInUs: number | null
      /** The row was locked at this moment, so that nobody could tell whether somebody holds the key. */
      readonly isUncertain?: boolean
      /** The try has waited for that row already. */
      readonly hasWaited?: boolean
    }

/** What the store knows of a key. */
export interface LeaseState {
  /** `null`: free. An owner whose time ran out may still be named. */
  readonly owner: string | null
  /** The token of the last grant. */
  readonly token: number
  /** Microseconds left; `null`: never expires; 0: free or expired. */
  readonly remainingUs: number | null
  /** The store's clock, microseconds since the epoch. */
  readonly nowUs: number
}

/**
 * A store on one transaction of the caller's: everything is sent on that, and is only true once that commits. It repeats
 * nothing, since after most errors the transaction cannot go on: it rejects with a LockError. Only a row that is locked
 * is {@link StoreTrouble} of the kind `transient`.
 */
export interface TransactionStore extends LockStore {
  /**
   * One try at a lock that lives until the transaction ends. Leaves the row free for everybody after that.
   *
   * @param attempt what {@link stop} names
   */
  tryLockUntilCommit(key: string, attempt: string): Promise<TryOutcome>
  /**
   * Whether the key still names the hold, live or expired. If so, nobody else can take it before the transaction ends.
   * Waits for a transaction that is taking it at this moment.
   */
  guard(hold: LeaseHold): Promise<boolean>
  /**
   * To be called before waiting for a key.
   *
   * @param isRowLocked another transaction is in the way, and not a lease
   * @throws LockError `E_TRANSACTION_ISOLATION` when the transaction would never see that the key is free;
   * `E_TRANSACTION_CONFLICT` when waiting could be a deadlock
   */
  checkWaiting(key: string, isRowLocked: boolean): Promise<void>
  /** The attempt sends nothing more: its caller has gone, and may have ended the transaction. */
  stop(attempt: string): void
  /** Stops the attempt, and undoes whatever it has taken or is taking: sent at once, so that it comes before whatever the caller sends next. */
  abandonAtOnce(key: string, attempt: string): void
}

/**
 * The seam between the algorithm and where leases live. A store decides and never waits: a key that is held, or that
 * an open transaction is taking, is refused at once.
 *
 * When it has no answer, a store rejects with {@link StoreTrouble} (or with a LockError that goes to the caller as it
 * is). Any other error counts as a bug of the store: it becomes `E_LOCK_STORAGE_ERROR` and is not retried.
 * Every method may safely be sent again: see each for what a repetition answers.
 */
export interface LockStore {
  /** One try. The same `attempt` again takes over what it was granted before, with a new token. */
  tryAcquire(request: LeaseRequest): Promise<TryOutcome>
  /**
   * A live hold lasts `ttlUs` from now. Repeatable.
   *
   * @returns the moment it counts from, by the store's clock, microseconds since the epoch;
   * `null`: nothing was changed, since it is not live or no longer this hold
   */
  extend(hold: LeaseHold, ttlUs: number | null): Promise<number | null>
  /** Frees the key if it still names this hold, live or expired. `false`: it does not (also: released before). */
  release(hold: LeaseHold): Promise<boolean>
  /**
   * Frees the key if it names this attempt: the clean-up of a try whose answer nobody heard. `false`: it does not.
   * Repeatable.
   */
  abandon(key: string, attempt: string): Promise<boolean>
  /** Frees the key whoever holds it, and raises the token so that the old hold is fenced out. `false`: it was free. */
  forceRelease(key: string): Promise<boolean>
  /** What the store knows of the key; `null`: nothing. */
  inspect(key: string): Promise<LeaseState | null>
  /**
   * The store on a transaction of the caller's; the same one for the same transaction. Missing: it has no transactions.
   *
   * @throws LockError `E_INVALID_OPTION` for what is no transaction
   */
  within?(transaction: TransactionLike, options?: WithinOptions): TransactionStore
  /** Ends what the store does by itself (sweeping); not the caller's connections. */
  close(): Promise<void>
}
