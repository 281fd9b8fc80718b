/**
 * Every error of the library: one class, one code each, in one catalogue.
 * `docs/errors.md` is generated from the catalogue.
 */

interface CatalogueEntry {
  /** Whether doing the same thing again later can work without anything being changed. */
  readonly retryable: boolean
  /** What happened, in one sentence. */
  readonly says: string
  /** What the reader of the error does next. */
  readonly remedy: string
}

/** The catalogue behind {@link LockErrorCode}: what each code means and what to do about it. */
export const CATALOGUE = {
  E_LOCK_NOT_OWNED: {
    retryable: false,
    says: 'The lock is not held by this `Lock` object: it was never acquired, was released already, or somebody else has taken it over.',
    remedy:
      'Release only what you acquired. To release a lock of another process, restore it with `restoreLock`, or use `forceRelease()`.',
  },
  E_LOCK_LOST: {
    retryable: false,
    says: 'The lease ended before the work did: its time ran out, or it was force-released. `error.result` carries the result of the callback, if there is one.',
    remedy: 'Treat the work as done without protection. Choose a longer TTL, or extend the lock while you work.',
  },
  E_LOCK_TIMEOUT: {
    retryable: true,
    says: '`hold()` was not granted the lock within the tries or the time it had.',
    remedy: 'Try again later, or wait longer (`retry.timeout`, `retry.attempts`).',
  },
  E_LOCK_STORAGE_ERROR: {
    retryable: true,
    says: 'The database could not answer. Nothing is known about the lock; it does not mean that somebody holds it.',
    remedy:
      'Look at `error.cause`, the error of the database driver. The store recovers by itself when the database does.',
  },
  E_SCHEMA_MISSING: {
    retryable: false,
    says: 'The table of the locks does not exist in this database (or this user cannot see it).',
    remedy:
      'Run `npx verrou migrate`, or the migrations of `verrou-sql/migrations` (`npx kysely migrate:latest`, `migrateToLatest(db)`), apply `sql/<dialect>/schema.sql`, or pass `autoCreateTable: true`.',
  },
  E_SCHEMA_OUTDATED: {
    retryable: false,
    says: 'The table of the locks exists, but lacks a column that this version of the library needs.',
    remedy:
      'Run `npx verrou migrate`, or the migrations of `verrou-sql/migrations`, again. If the table is not ours, choose another `tableName`.',
  },
  E_INVALID_KEY: {
    retryable: false,
    says: 'The key cannot be a key on every database: keys are 1 to 1,024 bytes of well-formed Unicode without NUL.',
    remedy: 'Hash long or binary names before you use them as keys.',
  },
  E_INVALID_DURATION: {
    retryable: false,
    says: "A duration is neither a positive number of milliseconds, nor a string like '30s', nor `null` for never.",
    remedy: 'Look at the value that the message names.',
  },
  E_INVALID_OPTION: {
    retryable: false,
    says: 'An option has a value that cannot work, or a name that does not exist.',
    remedy: 'Look at the option, the rule and the value that the message names.',
  },
  E_INVALID_SERIALIZED_LOCK: {
    retryable: false,
    says: 'What was given to `restoreLock` is not what `serialize()` returns.',
    remedy: 'Pass the object that `serialize()` returned (parsed, if it travelled as JSON text).',
  },
  E_NOT_TRANSFERABLE: {
    retryable: false,
    says: 'The lock cannot be handed to another process: it ends with the database session that stands for the process that took it (session locks, and leases of a store with `presence`).',
    remedy:
      'Hand on leases, `createLock(key, ttl)`, of a store without `presence`, or those that are written within a transaction.',
  },
  E_SESSION_POOLED: {
    retryable: false,
    says: 'A lock of a database session was asked for through a pooler that shares sessions among its clients (such as PgBouncer in transaction mode): it would be held by all of them.',
    remedy:
      "Give the store a direct address, `listen: { connectionString: 'postgres://…' }`, or a pooler in session mode; or use leases without `presence`, which work through any pooler.",
  },
  E_UNSUPPORTED: {
    retryable: false,
    says: 'This database, driver, or version of Node.js cannot do what was asked.',
    remedy: 'The message names what is needed.',
  },
  E_LOCK_GUARDED: {
    retryable: true,
    says: 'The hold could not be extended, because a transaction that guards it is still open and has its row locked. Nobody else can take the lock before that transaction ends.',
    remedy:
      'Commit first, then extend. Or extend within the transaction: `verrou.within(trx).restoreLock(lock.serialize()).extend()`.',
  },
  E_TRANSACTION_REQUIRED: {
    retryable: false,
    says: 'What was given to `within` or `guard` is no open transaction: it has ended, or was never begun.',
    remedy:
      'Begin a transaction first, and use its locks before it ends. What was done on it is undone, if it was a lease.',
  },
  E_TRANSACTION_CONFLICT: {
    retryable: true,
    says: 'The transaction met another one: a deadlock, a serialization failure, a row that is newer than its snapshot, or a key that it may not wait for, since it has locked a later one.',
    remedy:
      'Roll back, and run the whole transaction again. Against deadlocks, lock all keys in one call: `lockUntilCommit([a, b])`.',
  },
  E_TRANSACTION_ISOLATION: {
    retryable: false,
    says: 'The transaction would wait for a lock, but sees the database as it was when it began (REPEATABLE READ, SERIALIZABLE, or SQLite): it would never see the lock become free.',
    remedy:
      'Try once (`acquireImmediately()`, `timeout: 0`), and run the transaction again when the lock was refused; or use READ COMMITTED; or take the lock before the transaction.',
  },
  E_TRANSACTION_READ_ONLY: {
    retryable: false,
    says: 'The transaction is read-only; locks have to write.',
    remedy: 'Begin it as a transaction that may write.',
  },
  E_TRANSACTION_FAILED: {
    retryable: false,
    says: 'The transaction has failed before: the database accepts nothing on it but a rollback, or has rolled it back already.',
    remedy: 'Roll back. The first error of the transaction tells why.',
  },
  E_SINGLE_CONNECTION: {
    retryable: false,
    says: 'The store has one connection (SQLite), and a transaction is open on it: a lock that does not belong to the transaction would have to wait for its end.',
    remedy:
      'Within the transaction, use `verrou.within(trx)`. Outside of it, wait for its end, or give the store a connection of its own to the same file.',
  },
  E_CLOSED: {
    retryable: false,
    says: 'The `Verrou` or `LockFactory` was closed; it grants no more locks.',
    remedy: 'Create a new one, or close later.',
  },
} as const satisfies Record<string, CatalogueEntry>

/** The stable, documented code of a {@link LockError}: what programs should look at. */
export type LockErrorCode = keyof typeof CATALOGUE

/** What an error carries besides its message. */
export interface LockErrorOptions {
  /** The error that led to this one: for storage errors the error of the database driver. */
  readonly cause?: unknown
  /** Facts for logs. Never contains credentials or owner ids. */
  readonly details?: Readonly<Record<string, unknown>>
  /** For `E_LOCK_LOST` out of `run`: what the callback returned. */
  readonly result?: unknown
}

/**
 * The one error class of the library. Look at `code`, not at the message.
 *
 * @example
 * try {
 *   await lock.release()
 * } catch (error) {
 *   if (isLockError(error, 'E_LOCK_NOT_OWNED')) return // somebody else has it by now
 *   throw error
 * }
 */
export class LockError<Code extends LockErrorCode = LockErrorCode> extends Error {
  /** Which of the documented things happened. */
  readonly code: Code
  /** Whether the same call can succeed later without a change of code, options or schema. */
  readonly retryable: boolean
  /** Facts for logs. Never contains credentials or owner ids. */
  readonly details: Readonly<Record<string, unknown>>
  /** For `E_LOCK_LOST` out of `run`: what the callback returned although its lease had ended. */
  readonly result?: unknown

  /** For the library itself, and for custom stores. */
  constructor(code: Code, message: string, options: LockErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'LockError'
    this.code = code
    this.retryable = CATALOGUE[code].retryable
    this.details = Object.freeze({ ...options.details })
    if ('result' in options) this.result = options.result
  }
}

/**
 * Whether `error` is a {@link LockError} (with that code). Works when two copies of the package are
 * loaded, where `instanceof` would not.
 *
 * @example
 * if (isLockError(error, 'E_LOCK_STORAGE_ERROR')) await alertSomebody(error.cause)
 */
export function isLockError<Code extends LockErrorCode = LockErrorCode>(
  error: unknown,
  code?: Code,
): error is LockError<Code> {
  if (!(error instanceof Error) || error.name !== 'LockError') return false
  const given = (error as { code?: unknown }).code
  return typeof given === 'string' && Object.hasOwn(CATALOGUE, given) && (code === undefined || given === code)
}

/** The class behind one code: `new errors.E_LOCK_LOST(message)`, `error instanceof errors.E_LOCK_LOST`. */
export interface LockErrorClass<Code extends LockErrorCode> {
  /** Makes an error of that code. */
  new (message: string, options?: LockErrorOptions): LockError<Code>
  /** What `instanceof` narrows to. */
  readonly prototype: LockError<Code>
}

function classOf<Code extends LockErrorCode>(code: Code): LockErrorClass<Code> {
  return class extends LockError<Code> {
    /** Loggers name the class of an error. */
    static override readonly name = 'LockError'

    constructor(message: string, options?: LockErrorOptions) {
      super(code, message, options)
    }

    /** `instanceof` looks at the code, so that it also works between two copies of the package. */
    static override [Symbol.hasInstance](error: unknown): boolean {
      return isLockError(error, code)
    }
  }
}

/**
 * A class for every code, for those who like `instanceof`. `E_LOCK_NOT_OWNER` is the same class as
 * `E_LOCK_NOT_OWNED`: Verrou's documentation uses both spellings.
 *
 * @example
 * try {
 *   await lock.release()
 * } catch (error) {
 *   if (!(error instanceof errors.E_LOCK_NOT_OWNED)) throw error
 * }
 */
export const errors: { readonly [Code in LockErrorCode]: LockErrorClass<Code> } & {
  readonly E_LOCK_NOT_OWNER: LockErrorClass<'E_LOCK_NOT_OWNED'>
} = (() => {
  const byCode = Object.fromEntries((Object.keys(CATALOGUE) as LockErrorCode[]).map((code) => [code, classOf(code)]))
  return Object.freeze({ ...byCode, E_LOCK_NOT_OWNER: byCode.E_LOCK_NOT_OWNED }) as never
})()
