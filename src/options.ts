import { describeValue } from './describe-value.ts'
import { type Duration, resolveMs } from './duration.ts'
import { errors } from './errors.ts'
import { LONGEST_KEY_BYTES } from './key.ts'

/** How `acquire`, `run` and `hold` go on after a refusal. */
export interface RetryOptions {
  /**
   * How many tries, the first one included: an integer from 1, or `Infinity`. Who stands in line behind another waiter of this process
   * does not ask the database; each `delay` that passes with the key held counts as a try. A single try stands in no line.
   * Default: `Infinity`. For a single try there is also `acquireImmediately`.
   */
  readonly attempts?: number | undefined
  /**
   * Longest pause between two tries; milliseconds or '250ms'. The pause is shorter when the lease in the way ends sooner or a
   * release is heard, and a little random, so that waiters do not come all at once. Where no releases of other processes are heard, the
   * first pauses of one whose `attempts` are not counted are much shorter. Default: 250 ms.
   */
  readonly delay?: Duration | undefined
  /**
   * Bound on the whole call, waiting for a connection, statements and pauses included; milliseconds or '10s'.
   * `0` tries once, and gives that try the time it takes. `null` or `Infinity`: no bound. Default: no bound.
   */
  readonly timeout?: Duration | null | undefined
}

/** Options of `acquire`, `run` and `hold`. */
export interface AcquireOptions {
  /** How often and how long to try. What is left out comes from the factory's `retry`, then from the defaults. */
  readonly retry?: RetryOptions | undefined
  /**
   * Gives up waiting: the call rejects at once with the signal's reason. A lock that is granted after that is given
   * back. In `run`, the callback's own `signal` aborts too.
   */
  readonly signal?: AbortSignal | undefined
}

/** How long `run` and `hold` keep what they were granted. */
export interface KeepAliveOptions {
  /**
   * Renews the lease while it is held: at a third of its TTL, one statement for all leases of the factory that are due. The TTL then only
   * says how soon others get the key after a crash. When the renewals get no answer, the signal aborts at the end of the TTL.
   * Default: the factory's, else `false`. Not in a transaction.
   */
  readonly keepAlive?: boolean | undefined
  /**
   * Not kept for longer than this, counted from the grant: milliseconds or '1h'. Then the lease ends by itself, and the signal aborts: work that
   * hangs does not keep the key for ever. Only `extend` by hand goes beyond it. `null` or `Infinity`: no bound. Default: the factory's,
   * else no bound.
   */
  readonly maxHold?: Duration | null | undefined
}

/** Options of `run` and `hold`. */
export interface HoldOptions extends AcquireOptions, KeepAliveOptions {}

/** Options of `lockUntilCommit`. */
export interface LockUntilCommitOptions {
  /**
   * Bound on the whole call; milliseconds or '5s'. `0` tries once. `null` or `Infinity`: no bound. Default: that of the factory's
   * `retry`, at most 10 s.
   */
  readonly timeout?: Duration | null | undefined
  /** Gives up waiting: the call rejects at once with the signal's reason. What is locked then stays locked until the end. */
  readonly signal?: AbortSignal | undefined
}

const ISOLATION_LEVELS = ['read uncommitted', 'read committed', 'repeatable read', 'serializable'] as const

/** Options of `within`. */
export interface WithinOptions {
  /**
   * The isolation level of the transaction, if you know it: whether it would see a lock become free decides whether it may
   * wait for one. Left out: the database is asked before the first wait. MySQL and MariaDB only tell the level of the session, not
   * that of a transaction that was begun with another one: there, name it.
   */
  readonly isolationLevel?: (typeof ISOLATION_LEVELS)[number] | undefined
}

/** @throws LockError `E_INVALID_OPTION` */
export function checkWithinOptions(given: WithinOptions): void {
  checkOptions('options', given, ['isolationLevel'])
  const { isolationLevel } = given
  if (isolationLevel === undefined || ISOLATION_LEVELS.includes(isolationLevel)) return
  const known = ISOLATION_LEVELS.map((level) => `'${level}'`).join(', ')
  throw invalidOption('isolationLevel', `one of ${known}`, isolationLevel)
}

/** Options of a `LockFactory`, and of `Verrou` for all its stores: the defaults for every lock. */
export interface LockFactoryOptions extends KeepAliveOptions {
  /** Default retry policy of `acquire`, `run` and `hold`. */
  readonly retry?: RetryOptions | undefined
  /**
   * Who holds the lock, for people who look at the table (column `held_by`); at most 255 bytes. Never used for a decision.
   * Default: `host:pid`.
   */
  readonly label?: string | undefined
}

/** Which table the leases live in. */
export interface TableOptions {
  /** Default: `verrou_locks`. Letters, digits, `_`, `-`, and `$` (not before a digit); at most 63 bytes; always quoted. */
  readonly tableName?: string | undefined
  /** Schema (Postgres), database (MySQL, MariaDB) or attached database (SQLite). Default: what the connection uses. */
  readonly schema?: string | undefined
}

/** Options of stores on servers. */
export interface PortableOptions {
  /**
   * Says everything without what engines lack that speak the language of Postgres or MySQL, and are neither: advisory locks, NOTIFY, settings
   * and several changes in one statement; on MySQL `skip locked`, `last_insert_id(…)`, JSON tables and locking reads inside of other
   * statements. Leases, guards and locks until commit promise the same. What differs: waiters poll; a try of a new key waits for an open
   * transaction that is creating the same key, so give the connections a lock timeout; a guarded lease cannot be extended before
   * its transaction ends; and on MySQL more statements are sent. Default: false, and `kyselyStore` turns it on for CockroachDB, YugabyteDB,
   * TiDB and Vitess. `docs/databases.md` tells what was run.
   */
  readonly portable?: boolean | undefined
}

/** What an option of a store must look like that is on or off. */
export const BOOLEAN_RULE = {
  rule: 'true or false',
  isValid: (given: unknown) => given === undefined || typeof given === 'boolean',
}

/** Options of stores on servers with sessions. */
export interface PresenceOptions {
  /**
   * Whether the locks of this process are free as soon as it is gone, and not when their TTL ends: for every other process whose store has this option,
   * too. The store has one connection more, of its own, whose session stands for the process at the database, from the first lock on; every
   * lease that it is granted names it. When that connection is lost, all of these leases are: their signals abort at once, and the next lock is
   * taken under a new one. Leases cannot be serialized then. Default: false. `docs/guide/presence.md` tells more.
   */
  readonly presence?: boolean | undefined
}

/** Retry policy after defaults and validation: milliseconds, `Infinity` for no bound. */
export interface ResolvedRetry {
  readonly attempts: number
  readonly delayMs: number
  readonly timeoutMs: number
}

/** How holds are kept, after defaults and validation. */
export interface ResolvedKeeping {
  readonly isKeptAlive: boolean
  /** `Infinity`: no bound. */
  readonly maxHoldMs: number
}

/** The table after defaults and validation. */
export interface ResolvedTable {
  readonly tableName: string
  readonly schema: string | undefined
}

const RETRY_DEFAULTS: ResolvedRetry = Object.freeze({
  attempts: Number.POSITIVE_INFINITY,
  delayMs: 250,
  timeoutMs: Number.POSITIVE_INFINITY,
})

const KEEPING_DEFAULTS: ResolvedKeeping = Object.freeze({ isKeptAlive: false, maxHoldMs: Number.POSITIVE_INFINITY })

/** The only place where a missing option of keeping becomes a value. @throws LockError `E_INVALID_OPTION`, `E_INVALID_DURATION` */
export function resolveKeeping(given: KeepAliveOptions, base: ResolvedKeeping = KEEPING_DEFAULTS): ResolvedKeeping {
  if (given.keepAlive === undefined && given.maxHold === undefined) return base
  const { keepAlive = base.isKeptAlive, maxHold } = given
  if (typeof keepAlive !== 'boolean') throw invalidOption('keepAlive', 'true or false', keepAlive)
  const maxHoldMs = maxHold === undefined ? base.maxHoldMs : resolveBoundMs('maxHold', maxHold)
  if (maxHoldMs <= 0) throw invalidOption('maxHold', 'a duration above 0', maxHold)
  return Object.freeze({ isKeptAlive: keepAlive, maxHoldMs })
}

/** The only place where a missing retry option becomes a number. @throws LockError `E_INVALID_OPTION` */
export function resolveRetry(given: RetryOptions | undefined, base: ResolvedRetry = RETRY_DEFAULTS): ResolvedRetry {
  if (given === undefined) return base
  checkOptions('retry', given, ['attempts', 'delay', 'timeout'])
  return Object.freeze({
    attempts: given.attempts === undefined ? base.attempts : checkAttempts(given.attempts),
    delayMs: given.delay === undefined ? base.delayMs : resolveMs('retry.delay', given.delay),
    timeoutMs: given.timeout === undefined ? base.timeoutMs : resolveBoundMs('retry.timeout', given.timeout),
  })
}

function checkAttempts(attempts: unknown): number {
  if (attempts === Number.POSITIVE_INFINITY) return attempts
  if (typeof attempts === 'number' && Number.isSafeInteger(attempts) && attempts >= 1) return attempts
  throw invalidOption('retry.attempts', 'an integer from 1, or Infinity', attempts)
}

function resolveBoundMs(option: string, given: Duration | null): number {
  if (given === null || given === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
  return resolveMs(option, given)
}

/** @throws LockError `E_INVALID_OPTION` */
export function checkAcquireOptions(given: AcquireOptions | undefined): AcquireOptions {
  return checkWaitOptions(given, ['retry', 'signal'])
}

/** @throws LockError `E_INVALID_OPTION` */
export function checkHoldOptions(given: HoldOptions | undefined): HoldOptions {
  return checkWaitOptions(given, ['retry', 'signal', 'keepAlive', 'maxHold'])
}

/** @throws LockError `E_INVALID_OPTION` */
export function checkRunOncePerOptions(given: AcquireOptions & { readonly onError?: unknown }): void {
  checkWaitOptions(given, ['retry', 'signal', 'maxHold', 'ttl', 'onError'])
  const { onError } = given
  if (onError === undefined || onError === 'retry' || onError === 'skip') return
  throw invalidOption('onError', "'retry' or 'skip'", onError)
}

/** @throws LockError `E_INVALID_OPTION` */
export function checkElectOptions(given: AcquireOptions): void {
  checkWaitOptions(given, ['signal', 'ttl'])
}

/** @throws LockError `E_INVALID_OPTION` */
export function checkPruneOptions(given: AcquireOptions & { readonly onProgress?: unknown }): void {
  checkWaitOptions(given, ['retention', 'signal', 'onProgress'])
  const { onProgress } = given
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw invalidOption('onProgress', 'a function', onProgress)
}

function checkWaitOptions<Options extends AcquireOptions>(
  given: Options | undefined,
  known: readonly string[],
): Partial<Options> {
  if (given === undefined) return {}
  checkOptions('options', given, known)
  if (given.signal !== undefined && !isAbortSignal(given.signal)) {
    throw invalidOption('signal', 'an AbortSignal', given.signal)
  }
  return given
}

function isAbortSignal(value: unknown): boolean {
  try {
    // By shape: a signal may come from another realm or a polyfill.
    const { aborted, throwIfAborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>
    const methods = [throwIfAborted, addEventListener, removeEventListener]
    return typeof aborted === 'boolean' && methods.every((method) => typeof method === 'function')
  } catch {
    return false
  }
}

const LONGEST_LABEL_BYTES = 255

/** @throws LockError `E_INVALID_OPTION` */
export function checkLabel(label: unknown): string | undefined {
  if (label === undefined) return undefined
  if (isStorableText(label, LONGEST_LABEL_BYTES)) return label
  throw invalidOption('label', `text of 1 to ${LONGEST_LABEL_BYTES} bytes without NUL`, label)
}

/** Whether every supported database can store the text in a column of that many bytes. */
export function isStorableText(text: unknown, mostBytes: number): text is string {
  if (typeof text !== 'string' || text === '' || text.includes('\0')) return false
  return text.isWellFormed() && Buffer.byteLength(text) <= mostBytes
}

/** What keys begin with, or come after: a key, or nothing. @throws LockError `E_INVALID_OPTION` */
export function checkKeyPart(option: string, given: unknown): void {
  if (given === '' || isStorableText(given, LONGEST_KEY_BYTES)) return
  throw invalidOption(option, `text of at most ${LONGEST_KEY_BYTES} bytes without NUL`, given)
}

/** No `$` before a digit: some libraries would take that for a placeholder, in quotes, too. */
const IDENTIFIER = /^[\p{L}_]([\p{L}\p{M}\p{N}_-]|\$(?!\d))*$/u
/** Postgres cuts longer names off silently, which could make two tables one. */
const LONGEST_IDENTIFIER_BYTES = 63

/** @throws LockError `E_INVALID_OPTION` */
export function resolveTable(given: TableOptions): ResolvedTable {
  const { tableName = 'verrou_locks', schema } = given
  checkIdentifier('tableName', tableName)
  if (schema !== undefined) checkIdentifier('schema', schema)
  return Object.freeze({ tableName, schema })
}

function checkIdentifier(option: string, name: unknown): void {
  const isName =
    typeof name === 'string' && IDENTIFIER.test(name) && Buffer.byteLength(name) <= LONGEST_IDENTIFIER_BYTES
  if (isName) return
  const hint =
    option === 'tableName' && typeof name === 'string' && name.includes('.') ? '; use `schema` for a schema' : ''
  const rule = `a name of letters, digits, _, - and $ (not before a digit) of at most ${LONGEST_IDENTIFIER_BYTES} bytes that starts with a letter or _`
  throw invalidOption(option, rule, name, hint)
}

/**
 * Refuses what is not a plain object of known options, so that a typo does not silently mean the default.
 *
 * @throws LockError `E_INVALID_OPTION`
 */
export function checkOptions(name: string, given: unknown, known: readonly string[]): asserts given is object {
  for (const option of namesIn(name, given, known)) {
    if (known.includes(option)) continue
    throw new errors.E_INVALID_OPTION(
      `unknown option ${describeValue(option)} in \`${name}\`; known: ${known.map((one) => `\`${one}\``).join(', ')}`,
      { details: { option } },
    )
  }
}

/**
 * The names in an object, each of whose values can be read: what a getter or a proxy throws is told here, not later in the middle of something.
 *
 * @param more names that are read too, wherever they are
 * @throws LockError `E_INVALID_OPTION`
 */
export function namesIn(name: string, given: unknown, more: readonly string[] = []): string[] {
  let names: string[] | undefined
  try {
    if (typeof given === 'object' && given !== null && !Array.isArray(given)) {
      names = Object.keys(given)
      for (const option of [...names, ...more]) Reflect.get(given, option)
    }
  } catch (cause) {
    throw new errors.E_INVALID_OPTION(`\`${name}\` cannot be read`, { cause, details: { option: name } })
  }
  if (names === undefined) throw invalidOption(name, 'an object', given)
  return names
}

/** The one form of the message: option, rule, value. */
export function invalidOption(option: string, rule: string, given: unknown, hint = ''): Error {
  return new errors.E_INVALID_OPTION(`\`${option}\` must be ${rule}; got ${describeValue(given)}${hint}`, {
    details: { option },
  })
}
