import type { LockError, LockErrorCode } from '../errors.ts'
import type { WakeupRecovery, WakeupTrouble } from '../store/wake-source.ts'

/** The three kinds of locks: `createLock(key, ttl)`, `createLock(key, { strategy: 'session' })`, `lockUntilCommit(key)`. */
export type LockKind = 'lease' | 'session' | 'until-commit'

/** What every event about a key tells. */
export interface KeyEvent {
  /** What is locked. May be personal data: think before you log or count by it. */
  readonly key: string
  /** Which kind of lock it is about. */
  readonly kind: LockKind
  /** It happened in a transaction of yours whose commit is still open: a rollback undoes it. */
  readonly isUncommitted: boolean
}

/** What every event about one hold tells: key and token are the same in all of its events. */
export interface HoldEvent extends KeyEvent {
  /** The fencing token of the hold; `null` for a session lock, which has none. */
  readonly token: number | null
}

/** A call has to wait. */
export interface WaitingEvent extends KeyEvent {
  /** Milliseconds since the call began. */
  readonly waitMs: number
  /** Questions that it has put to the database so far; 0: it stands in line in this process. */
  readonly tries: number
}

/** What every event tells that ends a call which asked for a lock. */
export interface CallEvent extends KeyEvent {
  /** Milliseconds since the call began. */
  readonly waitMs: number
  /** Questions that it has put to the database; 0: it stood in line in this process, where a holder may have handed the key over. */
  readonly tries: number
  /** A `waiting` came before, of this call. */
  readonly hasWaited: boolean
}

/** A lock was granted. */
export interface AcquiredEvent extends HoldEvent, CallEvent {
  /** How long it lasts unless it is extended, milliseconds; `null`: it has no end of its own. */
  readonly ttlMs: number | null
  /** Who holds it now, for people: the factory's `label`, or `host:pid`. */
  readonly heldBy: string
}

/** A lock was not granted. */
export interface RefusedEvent extends CallEvent {
  /**
   * - `held`: somebody holds the key, and the tries are used up
   * - `timeout`: somebody holds the key, and the time is used up
   * - `aborted`: the signal of the caller aborted
   * - `closed`: the factory was closed
   */
  readonly why: 'held' | 'timeout' | 'aborted' | 'closed'
}

/** The database could not answer, or refused what was asked. */
export interface FailedEvent {
  /** What was to be done. `renew`: one statement for all leases that were due; it is tried again while there is time. */
  readonly action: 'acquire' | 'extend' | 'renew' | 'release'
  /** What it was about; `null`: several keys. */
  readonly key: string | null
  /** Which kind of lock it is about. */
  readonly kind: LockKind
  /** It happened in a transaction of yours. */
  readonly isUncommitted: boolean
  /** How many holds it was about; 0 for `acquire`. */
  readonly holds: number
  /** Of `acquire`: milliseconds since the call began; else `null`. */
  readonly waitMs: number | null
  /** Of `acquire`: a `waiting` came before, of this call. */
  readonly hasWaited: boolean
  /** The code of the error, such as `E_LOCK_STORAGE_ERROR`. */
  readonly code: LockErrorCode
  /** The error, as the caller gets it; of a renewal nobody else hears of it. */
  readonly error: LockError
}

/** A lease lasts longer from here on. */
export interface ExtendedEvent extends HoldEvent {
  /** How long it lasts from now, milliseconds; `null`: for ever. */
  readonly ttlMs: number | null
  /** `by-hand`: by `extend()`. `kept-alive`: by `keepAlive`. */
  readonly how: 'by-hand' | 'kept-alive'
}

/** A hold is over, as its holder wanted it. */
export interface ReleasedEvent extends HoldEvent {
  /** Milliseconds since the grant was asked for; `null`: it was granted elsewhere, and restored here. */
  readonly heldMs: number | null
  /** `false`: the database has not answered yet; the release is repeated in the background, until the lease ends. */
  readonly isConfirmed: boolean
}

/** Why a hold was lost. */
export type LossReason =
  /** Its time ran out, by the local clock: the holder has not extended it, or could not. */
  | 'expired'
  /** It was held for as long as `maxHold` allows. */
  | 'max-hold'
  /** The database does not know it any more: it ran out there, was released by force, or somebody has taken the key. */
  | 'gone'
  /** This process has released it by force. */
  | 'forced'
  /** The database session that held it has ended. */
  | 'session-ended'
  /** The connection of the `presence` that stands for this process is lost. */
  | 'presence-ended'

/** A hold is over, and its holder did not want that. */
export interface LostEvent extends HoldEvent {
  /** Milliseconds for which it was held; `null`: it was granted elsewhere, and restored here. */
  readonly heldMs: number | null
  /** How it was lost. */
  readonly reason: LossReason
}

/** Work went on after its hold was over. */
export interface OverrunEvent extends HoldEvent {
  /** Milliseconds since the grant was asked for; `null`: it was granted elsewhere, and restored here. */
  readonly heldMs: number | null
  /** Milliseconds of work without protection. */
  readonly overMs: number
}

/** A hold was serialized, for another process. */
export interface HandedOnEvent extends HoldEvent {
  /** Milliseconds since the grant was asked for; `null`: it was restored here. */
  readonly heldMs: number | null
}

/** A key was freed whoever held it. */
export interface ForcedEvent extends KeyEvent {
  /** Whether anybody held it. */
  readonly wasHeld: boolean
}

/** A hold can never be released any more: its object is gone. */
export interface LeakedEvent extends HoldEvent {
  /** Milliseconds since the grant was asked for. */
  readonly heldMs: number | null
  /** It is renewed until the factory closes or the process ends. */
  readonly isKeptAlive: boolean
  /** Where it was taken: the lines of a stack. */
  readonly takenAt: string
}

/**
 * What a {@link LockFactory} tells its listeners: names, and what comes with them. None of it contains an owner id, which is a secret.
 *
 * Of every call that asks for a lock you hear how it ended: `acquired`, `refused` or `failed`. Of every hold you hear its end: `released`, `lost` or
 * `handed-on`; but of a lock until commit, and of a lease in a transaction that you do not release in it, only `acquired`.
 */
export interface LockEvents {
  /** A call has to wait: somebody holds the key, or others of this process stand before it in line. Once for each call that waits. */
  readonly waiting: WaitingEvent
  /** A lock was granted. */
  readonly acquired: AcquiredEvent
  /** A lock was not granted. */
  readonly refused: RefusedEvent
  /** The database could not answer, or refused what was asked (no table, no rights). The caller gets the same error, if there is one. */
  readonly failed: FailedEvent
  /** A lease was extended, by hand or by `keepAlive`. */
  readonly extended: ExtendedEvent
  /** A hold was given back. A run of `runOncePer` too; its key stays taken for the rest of the period. */
  readonly released: ReleasedEvent
  /**
   * A hold was lost. Comes when this process learns of it: with `keepAlive` or a look at `signal` at the end of the lease at the latest; else when it is
   * next used. Worth an alert.
   */
  readonly lost: LostEvent
  /** Work went on after its hold was lost or over, and has ended now: what it wrote last was not protected. Worth an alert. */
  readonly overrun: OverrunEvent
  /** A hold was serialized: somebody else releases it. Once for each hold. */
  readonly 'handed-on': HandedOnEvent
  /** This process has called `forceRelease()`. */
  readonly 'released-by-force': ForcedEvent
  /** A hold was never released, and its object was collected as garbage: see the option `leakWarnings`. */
  readonly leaked: LeakedEvent
  /**
   * Releases by other processes are not heard any more, so that waiters poll: slower, and more statements. Once for each time that
   * it happens; at once, if that is so when the listener comes.
   */
  readonly 'wakeup-degraded': WakeupTrouble
  /** Releases by other processes are heard again. Once after each `wakeup-degraded`, if it happens while somebody waits. */
  readonly 'wakeup-restored': WakeupRecovery
}
