import type { TransactionLike } from '../caller-transaction.ts'
import type { WithinOptions } from '../options.ts'
import type { WakeSource } from './wake-source.ts'

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
  /** An earlier sending of this attempt went unheard, and may have been granted: only the database can tell what became of it. */
  readonly isRepeated?: boolean
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

/** What stands for this process at the database: when it is gone, the leases that were granted under it are over. */
export interface Presence {
  /** Nothing that was granted under it is held any more. */
  readonly isGone: boolean
}

/** Presences of a store, one after the other. */
export interface PresenceSource {
  /**
   * Calls the listener at the moment that a presence is gone. While anybody listens, closing the store does not end the presence.
   *
   * @returns ends it
   */
  onGone(listener: (gone: Presence) => void): () => void
}

/** A store's answer to one try. */
export type TryOutcome =
  | {
      readonly granted: true
      readonly token: number
      /** The moment of the grant by the store's clock, microseconds since the epoch (at the latest). */
      readonly grantedAtUs: number
      /** What the lease ends with, whatever its TTL; missing: it has none. */
      readonly presence?: Presence | undefined
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

/** What the store knows of a key, with what people want to see. */
export interface LockState extends LeaseState {
  /** Somebody has it at this moment. */
  readonly isHeld: boolean
  /** When it was granted last, microseconds since the epoch by the store's clock. */
  readonly acquiredAtUs: number
  /** To whom: for people. */
  readonly heldBy: string | null
  /** How often the last grant has been extended; `null`: the table is of an earlier version, where nobody counts. */
  readonly renewals: number | null
  /** Somebody has marked that it wants the key. */
  readonly isWanted: boolean
}

/** One look at keys in their order, which is that of their bytes. */
export interface ListLook {
  /** Only keys behind this one; '': from the first. */
  readonly afterKey: string
  /** Only keys that begin with it, byte by byte. */
  readonly prefix: string
  /** Whether those are wanted that are held. */
  readonly showsHeld: boolean
  /** Whether those are wanted that are free. */
  readonly showsFree: boolean
  /** At most so many. */
  readonly limit: number
}

/** A key, and what the store knows of it. */
export interface ListedKey extends Omit<LockState, 'owner'> {
  /** The key. */
  readonly key: string
}

/** What a look has found. */
export interface ListedKeys {
  /** In order. */
  readonly keys: readonly ListedKey[]
  /** Behind this one the next look goes on, since a look has its limits; `null`: there are no more keys with that prefix. */
  readonly lastKey: string | null
}

/** What a look for rows that can go has found. */
export interface OldKeys {
  /** Their keys, in portions of what may be removed at once. */
  readonly portions: readonly (readonly string[])[]
  /** They have been free since then at least, by the store's clock: microseconds since the epoch. */
  readonly freeSinceUs: number
  /** How many rows it has gone through. */
  readonly looked: number
  /** Behind this one the next look goes on; `null`: there are no more rows. */
  readonly lastKey: string | null
}

/** What a hand-over came to: the grant of the next one in line, or that the key did not name the old hold any more. */
export type HandOverOutcome =
  | {
      readonly granted: true
      /** The token of the new hold. */
      readonly token: number
      /** The moment of the grant by the store's clock, microseconds since the epoch (at the latest). */
      readonly grantedAtUs: number
      /** Somebody else, maybe in another process, has marked that it wants the key. */
      readonly isWanted: boolean
      /** As in {@link TryOutcome}. */
      readonly presence?: Presence | undefined
    }
  | { readonly granted: false }

/**
 * What marking a key as wanted came to:
 * - `marked`: it is held, and its release will be told to the {@link WakeSource}
 * - `free`: nobody holds it any more, so there is nothing to wait for
 * - `locked`: somebody has the row locked at this moment, so that nothing could be marked
 */
export type WantAnswer = 'marked' | 'free' | 'locked'

/** One of many extensions in one statement. */
export interface Renewal {
  /** The hold that is to last. */
  readonly hold: LeaseHold
  /** Microseconds from now; `null`: for ever. */
  readonly ttlUs: number | null
}

/**
 * What a renewal came to:
 * - `renewed`, counting from `atUs` by the store's clock
 * - `lost`: it is not live, or no longer this hold
 * - `held`: it is live and this hold, but its row is locked, usually by a transaction that guards it; nothing was changed
 */
export type RenewalAnswer =
  | { readonly kind: 'renewed'; readonly atUs: number }
  | { readonly kind: 'lost' }
  | { readonly kind: 'held' }

/** How a run of `runOncePer` ended, for the store to write down. */
export interface RunEnd {
  /**
   * The key stays taken until this long after the run began, microseconds (and is free at once, if that has passed). `null`: it
   * is free at once, so that somebody can run it again.
   */
  readonly periodUs: number | null
  /** Whether the callback threw. */
  readonly hasFailed: boolean
}

/** The last run of `runOncePer` that ended, by the store's clock. */
export interface RunRecord {
  /** The fencing token that it ran with. */
  readonly token: number
  /** When its lease was granted, microseconds since the epoch. */
  readonly startedAtUs: number
  /** When it ended, microseconds since the epoch. */
  readonly endedAtUs: number
  /** Who ran it: for people. */
  readonly heldBy: string | null
  /** Whether its callback threw. */
  readonly hasFailed: boolean
}

/**
 * A store on one transaction of the caller's: everything is sent on that, and is only true once that commits. It repeats
 * nothing, since after most errors the transaction cannot go on: it rejects with a LockError. Only a row that is locked
 * is {@link StoreTrouble} of the kind `transient`.
 */
export interface TransactionStore extends LeaseStore {
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
 * Leases, one statement at a time: what a store can do also on a transaction of the caller's. A store decides and never waits: a key that is held, or that
 * an open transaction is taking, is refused at once.
 *
 * When it has no answer, a store rejects with {@link StoreTrouble} (or with a LockError that goes to the caller as it
 * is). Any other error counts as a bug of the store: it becomes `E_LOCK_STORAGE_ERROR` and is not retried.
 * Every method may safely be sent again: see each for what a repetition answers.
 */
export interface LeaseStore {
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
}

/**
 * Locks that the server keeps for a session, all of a store's on one. Works without a table. Takes the questions of leases, so that the same loop wins
 * both kinds; but a grant has no end, and its token means something only within this store.
 */
export interface SessionStore extends LeaseStore, Pick<LockStore, 'handOver' | 'want' | 'close'> {
  /** Hears of releases where the server tells of them; of those in this process, always. */
  readonly wakeSource: WakeSource
  /** There is nothing to extend. @throws LockError `E_UNSUPPORTED`, always */
  extend(): Promise<never>
  /** Only its own session can release a lock. @throws LockError `E_UNSUPPORTED`, always */
  forceRelease(): Promise<never>
  /** Calls `lost` when the session ends before the hold does; at once, if the hold is over already. */
  onLoss(hold: LeaseHold, lost: () => void): void
}

/**
 * The seam between the algorithm and where leases live: everything that processes share. Waking up is a hint; the store
 * alone decides.
 */
export interface LockStore extends LeaseStore {
  /**
   * Releases the hold and grants the key to the next one in line, in one step: nobody can come in between. As durable as a
   * grant. Leaves the mark that others want the key. Sent again it answers `granted: false`; the heir's own `tryAcquire` then finds its
   * attempt.
   */
  handOver(hold: LeaseHold, heir: LeaseRequest): Promise<HandOverOutcome>
  /** Marks that somebody waits for the key. Never waits. Repeatable; writes nothing when it is marked already. */
  want(key: string): Promise<WantAnswer>
  /**
   * Extends many holds, in one statement where the database can; never to an earlier end than they have, since one that was sent long ago may be
   * carried out after an extension by hand. Sent on a connection that the app's own work cannot keep busy, if the
   * store has one.
   *
   * @param withinMs if there is no answer by then, the call rejects, and the connection is given up
   * @returns one answer for each, in the same order
   */
  extendAll(renewals: readonly Renewal[], withinMs: number): Promise<RenewalAnswer[]>
  /**
   * Writes down how a run ended, and keeps the key taken for the rest of its period, or frees it: in one step. Raises the token, so
   * that a renewal or a try that is still on its way cannot change that.
   *
   * @returns `false`: the key does not name the hold (any more), and nothing was written. Sent again: the token of {@link lastRun} tells
   */
  finishRun(hold: LeaseHold, end: RunEnd): Promise<boolean>
  /** The last run of the key that ended; `null`: none is known. */
  lastRun(key: string): Promise<RunRecord | null>
  /** What the store knows of the key; `null`: nothing. */
  inspect(key: string): Promise<LockState | null>
  /** The next keys in their order, and what is known of each. Goes through a bounded number of them, never waits, and locks nothing. */
  list(look: ListLook): Promise<ListedKeys>
  /** Looks at the next rows, for those that have been free for that long, and whose last run was a month ago. Goes through a bounded number. */
  findOld(afterKey: string, retentionUs: number): Promise<OldKeys>
  /**
   * Removes the rows of these keys, where they have been free since that moment, and nobody has them locked. The token of the next grant
   * is higher all the same. Repeatable.
   *
   * @returns how many were removed
   */
  removeOld(keys: readonly string[], freeSinceUs: number): Promise<number>
  /** Missing: leases end by their TTL only, and can be handed to other processes. */
  readonly presence?: PresenceSource | undefined
  /** Missing: nothing is heard of other processes, and waiters poll. */
  readonly wakeSource?: WakeSource | undefined
  /** Its session locks. Missing: it has none. */
  readonly session?: SessionStore | undefined
  /**
   * The store on a transaction of the caller's; the same one for the same transaction. Missing: it has no transactions.
   *
   * @throws LockError `E_INVALID_OPTION` for what is no transaction
   */
  within?(transaction: TransactionLike, options?: WithinOptions): TransactionStore
  /**
   * Ends what the store does by itself (sweeping), and closes connections of its own that nobody uses at the moment; not
   * the caller's. The store can be used on: by another factory.
   */
  close(): Promise<void>
}
