import type { TransactionAnswer } from '../caller-transaction.ts'
import type {
  Answer,
  HoldInput,
  ParameterName,
  RenewalInput,
  Statement,
  StatementInput,
  TryInput,
} from '../statement.ts'
import type { TroubleKind } from '../store-trouble.ts'
import type { DialectName } from './compiler.ts'
import type { SessionDialect } from './session-dialect.ts'

/**
 * What a statement of a try came to:
 * - `granted`
 * - `held`: somebody else's lease is in the way
 * - `locked`: an open transaction, or another statement at this moment, has the row; nobody knows what it will be.
 *   `ranOutSinceBegin`: or, in a transaction with a fixed snapshot, it is that of a lease that ran out since it began
 * - `open`: the next step of the try tells, or the one that is named; `seen`: the row as it was seen, with
 *   the end of a lease that ran out; `found`: values for the steps to come
 * - `met`: somebody has had the row since the transaction's look at it; it is locked now
 */
export type TryAnswer =
  | { readonly kind: 'granted'; readonly token: number; readonly grantedAtUs: number }
  | { readonly kind: 'held'; readonly freeInUs: number | null; readonly nowUs?: number }
  | { readonly kind: 'locked'; readonly ranOutSinceBegin?: boolean }
  | {
      readonly kind: 'open'
      readonly next?: string
      readonly seen?: string
      readonly ranOutUs?: number | null
      readonly nowUs?: number
      readonly found?: Partial<StatementInput>
    }
  | { readonly kind: 'met' }

/** One statement of a try, and how to read its answer. */
export interface TryStep {
  /** What an open answer can name. */
  readonly name?: string
  readonly statement: Statement
  /** @param input what the statement was sent with */
  read(answer: Answer, input: Partial<StatementInput>): TryAnswer
}

/** The step after an open answer: the one that it names, or the next one in the list. */
export function followingStep<Step extends TryStep>(
  steps: readonly Step[],
  step: Step,
  name: string | undefined,
): Step | undefined {
  return name === undefined ? steps[steps.indexOf(step) + 1] : steps.find((one) => one.name === name)
}

/**
 * What an extension came to. `locked`: the row names the hold, and a transaction or another statement has it locked.
 */
export type ExtendAnswer =
  | { readonly kind: 'extended'; readonly atUs: number }
  | { readonly kind: 'lost' }
  | { readonly kind: 'locked' }

/**
 * What a hand-over came to. `locked`: the row names the hold, and a transaction or another statement has it locked.
 */
export type HandOverAnswer =
  | { readonly kind: 'granted'; readonly token: number; readonly grantedAtUs: number; readonly isWanted: boolean }
  | { readonly kind: 'lost' }
  | { readonly kind: 'locked' }

/**
 * What marking a key as wanted came to. `locked`: nothing could be marked now; `open`: the next step tells.
 */
export type WantStepAnswer = 'marked' | 'free' | 'locked' | 'open'

/** One statement of marking a key as wanted, and how to read its answer. */
export interface WantStep {
  readonly statement: Statement
  read(answer: Answer): WantStepAnswer
}

/**
 * What an error of the driver means. Beside trouble: findings about the table, a row that is locked, or that somebody has
 * created, and what only matters in a transaction of the caller's: a write that it may not do (`read-only`), a row that is
 * newer than its snapshot or that it has waited for in vain (`stale`), and that it has failed before (`transaction-failed`).
 */
export type ErrorMeaning =
  | TroubleKind
  | 'missing-table'
  | 'outdated-table'
  | 'row-locked'
  | 'row-exists'
  | 'read-only'
  | 'stale'
  | 'transaction-failed'

/** Every statement of a dialect, whole; those of a try and of a mark are in {@link LockDialect}. */
export interface LockStatements {
  readonly extend: Statement
  /** Many extensions at once. */
  readonly extendAll: Statement
  /** Releases a hold and grants the key to another owner. */
  readonly handOver: Statement
  readonly release: Statement
  /** Frees what an unheard try may have taken. */
  readonly abandon: Statement
  readonly forceRelease: Statement
  readonly inspect: Statement
  /** One page of keys from `fromKey`: those that are wanted of it, and its last one, each with how many were `looked` at. */
  readonly list: Statement
  /** Writes down how a run ended, and how long its key stays taken. Needs the columns of run records. */
  readonly finishRun: Statement
  /** Reads that. Needs the columns of run records. */
  readonly lastRun: Statement
  /** One page of keys behind `afterKey`, each with whether it has been free for `retentionUs`, and since when that is. */
  readonly sweepLook: Statement
  /**
   * Deletes rows, where they have been free since `freeSinceUs` and nobody has them locked. Takes the value `keys`; where one statement
   * deletes one row, `key`.
   */
  readonly sweepDelete: Statement
}

/** One statement of a try in a transaction of the caller's. */
export interface TransactionStep extends TryStep {
  readonly name: string
  /** Sent before and, whatever happens, after the statement; `onError`: in between, if it fails. */
  readonly around?: { readonly before: Statement; readonly after: Statement; readonly onError?: Statement }
}

/** A hold that its row still names. */
export interface FoundHold {
  readonly isLive: boolean
  readonly isWanted: boolean
  /** The token that the next grant of the key can have. */
  readonly nextToken: number
  /** The moment of the look. */
  readonly nowUs: number
}

/** A look at a hold, which never waits for its row. */
export interface HoldLook {
  readonly statement: Statement
  /** @returns `null`: the row does not name the hold */
  read(answer: Answer): FoundHold | null
}

/** What is said on a transaction of the caller's, and how to read the answers. */
export interface TransactionDialect {
  /** One try: the first step, then those that the answers lead to. Takes leases and locks until commit. */
  readonly trySteps: readonly TransactionStep[]
  readonly statements: {
    readonly extend: Statement
    readonly release: Statement
    readonly guard: Statement
  }
  /** Sent before an extension where that alone cannot tell: whether the hold is live, with its row locked. */
  readonly lockLive?: Statement
  /** The answer of `lockLive`, or of the extension. */
  readExtend(answer: Answer): ExtendAnswer
  /** Whether a guard found that the row still names the hold. */
  isCurrent(answer: Answer): boolean
  /** When the transaction began, where a statement can tell: another transaction began at another time. */
  beganUs?(answer: TransactionAnswer): number | undefined
  /** Whether the transaction's snapshot is fixed, as far as the database tells. `always`: it is. */
  readonly snapshotQuestion: Statement | 'always'
  /** Whether a try in a fixed snapshot still sees that another transaction, which had the row locked, has ended. */
  readonly seesRowLocksEnd: boolean
  /** Whether a conflict ends the transaction, and nothing says so to later statements. */
  readonly isConflictSilent: boolean
}

/**
 * What one of many tries in a statement came to. Nothing was done for it: `alone`: only a statement of its own can tell why; `later`: there were too
 * many of its kind for one statement.
 */
export type TogetherTryAnswer = TryAnswer | { readonly kind: 'alone' } | { readonly kind: 'later' }

/**
 * Many calls in one statement, each key in it once. Never waits for a row: a row that somebody has locked concerns only the call that wants it.
 * All is done, or nothing.
 */
export interface TogetherDialect {
  /** Takes the value `tries`. */
  readonly acquire: Statement
  /** One answer for each of what was asked; `null`: not all were granted, and only {@link look} tells which. */
  readAcquire(answer: Answer, asked: readonly TryInput[]): readonly TogetherTryAnswer[] | null
  /** Sent after `acquire` where that does not tell. Takes the value `tries`, too. */
  readonly look?: {
    readonly statement: Statement
    /** @param acquired the answer of `acquire` */
    read(answer: Answer, asked: readonly TryInput[], acquired: Answer): readonly TogetherTryAnswer[]
  }
  /** Takes the value `holds`. */
  readonly release: Statement
  /** Whether each was released; `null`: nobody knows, ask for it alone. */
  readRelease(answer: Answer, asked: readonly HoldInput[]): readonly (boolean | null)[]
}

/** What is said of presences: locks of sessions that stand for processes. */
export interface PresenceStatements {
  /** Takes the lock of a presence, for as long as the session lasts. */
  readonly takePresence: Statement
  /** Who has it. */
  readonly seePresence: Statement
  /** Keeps the server from ending the session for being idle. */
  readonly keepPresence: Statement
  /** Of many keys: those whose holder names a presence, each with whether that is gone. */
  readonly watchPresences: Statement
  /** Grants many keys whose holders are gone. */
  readonly takeOver: Statement
  /** Reads what `takeOver` has granted, where that does not tell. */
  readonly tookOver?: Statement
}

/** A session of the database, and the presence that it was asked for. */
export interface SeenPresence {
  /** The id of the session that was asked. */
  readonly session: string
  /** The id of the session that has the lock; `null`: none on this server and in this database. */
  readonly holder: string | null
  /** The server, since its last start where that matters: 16 hexadecimal digits. */
  readonly server: string
}

/** A key of those that were asked for whose holder names a presence. */
export interface WatchedKey {
  readonly key: string
  readonly isGone: boolean
}

/** What a take-over was granted. */
export interface TakenOver {
  readonly token: number
  readonly grantedAtUs: number
}

/** The words for presences, and how to read the answers. */
export interface PresenceDialect {
  readonly statements: PresenceStatements
  readTake(answer: Answer): { readonly isTaken: boolean; readonly session: string }
  readSee(answer: Answer): SeenPresence
  readWatch(answer: Answer): WatchedKey[]
  /** One answer for each of what was asked, `undefined` where nothing was granted; `null`: `tookOver` tells. */
  readTakeOver(answer: Answer, asked: readonly TryInput[]): (TakenOver | undefined)[] | null
  /** The same for the answer of `tookOver`. */
  readTookOver?(answer: Answer, asked: readonly TryInput[]): (TakenOver | undefined)[]
}

/** One database's words, and how to read its answers. Pure: no connection, no clock, no state. */
export interface LockDialect {
  readonly name: DialectName
  /** One try: each step is sent only if the one before left it open. */
  readonly trySteps: readonly TryStep[]
  /** Marking a key as wanted, likewise. */
  readonly wantSteps: readonly WantStep[]
  /**
   * Sent before an extension and before a hand-over where those cannot bring back a number. Then many extensions are made one by one, and
   * `extendAll` is one that never brings the end nearer.
   */
  readonly holdLook?: HoldLook
  readonly statements: LockStatements
  readonly transaction: TransactionDialect
  /** Many tries, and many releases, in one statement. Missing: each is sent by itself. */
  readonly together?: TogetherDialect | undefined
  /** Locks that the server keeps for a session. Missing: it has none, or not every engine of that language has. */
  readonly session: SessionDialect | undefined
  /** Missing: there are no locks of sessions, or they may be missing. */
  readonly presence?: PresenceDialect | undefined
  /** A value as the drivers of this database want it. */
  encode<Name extends ParameterName>(name: Name, given: StatementInput[Name]): unknown
  readExtend(answer: Answer): ExtendAnswer
  /** One answer for each of what was asked; `null`: not all were extended, and only asking for each one tells which. */
  readExtendAll(answer: Answer, asked: readonly RenewalInput[]): ExtendAnswer[] | null
  readHandOver(answer: Answer): HandOverAnswer
  meaningOf(error: unknown, statement: string): ErrorMeaning
}

/** What is known of the last run of a key stays for 30 days: somebody may ask when a monthly report ran last. */
export const RUN_RETENTION_US = 30 * 24 * 3_600_000_000

/** Rows that one look of the sweep goes through: more than the grants between two looks, so that it keeps up. */
export const SWEEP_PAGE = 500

/** Rows that one look of a list goes through: a millisecond's work, so that a list of few among millions is many short statements. */
export const LIST_PAGE = 1_000

/** "Never" in `expires_at`: the largest bigint. Never crosses the wire, since JavaScript numbers cannot hold it. */
export const NEVER = '9223372036854775807'
