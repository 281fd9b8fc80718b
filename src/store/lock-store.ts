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
  /** Ends what the store does by itself (sweeping); not the caller's connections. */
  close(): Promise<void>
}
