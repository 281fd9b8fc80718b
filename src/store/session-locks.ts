import type { Clock } from '../clock.ts'
import type { LockDialect } from '../dialects/dialect.ts'
import type { SessionName } from '../dialects/session-dialect.ts'
import { errors } from '../errors.ts'
import type { SqlExecutor } from '../executors/executor.ts'
import type { HearingConnection } from '../executors/reopening-connection.ts'
import { StoreTrouble } from '../store-trouble.ts'
import { LocalNames } from './local-names.ts'
import type {
  HandOverOutcome,
  LeaseHold,
  LeaseRequest,
  LeaseState,
  SessionStore,
  TryOutcome,
  WantAnswer,
} from './lock-store.ts'
import type { NameEntry } from './name-entry.ts'
import { SessionWakes } from './session-wakes.ts'
import { SessionWords } from './session-words.ts'

/** What {@link SessionLocks} are made of. */
export interface SessionLocksParts {
  /** As in `PinnedSession`. */
  readonly connect: () => HearingConnection
  readonly executor: SqlExecutor
  /** May have to ask the database which one it is; asked again until there is an answer. */
  readonly dialect: () => LockDialect | Promise<LockDialect>
  readonly clock: Clock
}

const REFUSED: TryOutcome = Object.freeze({ granted: false, freeInUs: null })

/**
 * Locks of one database session. The server keeps other sessions out; this keeps out the rest of the process, since a session that
 * asks twice is granted it twice: by the names that the server sees, so that two keys which share a name exclude each other, too.
 */
export class SessionLocks implements SessionStore {
  readonly #parts: SessionLocksParts
  readonly #names = new LocalNames()
  readonly #marks = new Set<string>()
  readonly wakeSource: SessionWakes
  #words: SessionWords | undefined
  #resolving: Promise<SessionWords> | undefined
  #isClosing = false

  constructor(parts: SessionLocksParts) {
    this.#parts = parts
    this.wakeSource = new SessionWakes({
      nameOf: (key) => this.#words?.nameOf(key),
      isHearing: () => this.#words?.session.isHearing === true,
      deserted: (name) => this.#unmark(name),
    })
  }

  async tryAcquire({ key, owner, attempt }: LeaseRequest): Promise<TryOutcome> {
    const words = this.#words ?? (await this.#resolveWords())
    const name = words.nameOf(key)
    for (let known = this.#names.of(name.lock); known; known = this.#names.of(name.lock)) {
      if (known.isHeld) return known.attempt === attempt ? granted(known) : REFUSED
      // Being taken or given back at this moment: nobody can tell yet whether it is held.
      await known.settled()
    }
    const entry = this.#names.add({ key, name, owner, attempt })
    this.#isClosing = false
    try {
      const { isDone } = await words.acquire.send(name)
      if (entry.isLost) throw lostTrouble()
      if (!isDone) return REFUSED
      entry.isHeld = true
      // Who holds it wants it no more; whoever else in this process does, is told by us.
      this.#unmark(name)
      return granted(entry)
    } finally {
      if (!entry.isHeld) this.#forget(entry)
      entry.settle()
    }
  }

  async release({ token }: LeaseHold): Promise<boolean> {
    const entry = this.#names.held(token)
    return entry ? this.#release(entry) : false
  }

  async abandon(key: string, attempt: string): Promise<boolean> {
    const entry = this.#names.of(this.#words?.nameOf(key).lock)
    return entry?.isHeld && entry.attempt === attempt ? this.#release(entry) : false
  }

  /** The session keeps what it has; only here it is somebody else's. Asks all the same: an answer proves that the session is alive. */
  async handOver({ token }: LeaseHold, heir: LeaseRequest): Promise<HandOverOutcome> {
    const entry = this.#names.held(token)
    if (!entry || !this.#words) return { granted: false }
    const { isWanted } = await this.#words.handOver.send(entry.name)
    if (entry.isLost) return { granted: false }
    this.#names.handOver(entry, heir)
    return { granted: true, token: entry.token, grantedAtUs: 0, isWanted }
  }

  /** `free` says no more than: try again, now that whoever releases it sees the mark. */
  async want(key: string): Promise<WantAnswer> {
    const words = this.#words ?? (await this.#resolveWords())
    const name = words.nameOf(key)
    if (this.#marks.has(name.lock) || this.#names.of(name.lock)?.isHeld) return 'marked'
    const { isDone } = await words.want.send(name)
    if (!isDone) return words.areWantsShared ? 'locked' : 'marked'
    this.#marks.add(name.lock)
    // Whoever wanted it may have gone meanwhile.
    if (!this.wakeSource.hasSubscribers(name.lock)) this.#unmark(name)
    return 'free'
  }

  async inspect(key: string): Promise<LeaseState | null> {
    const words = this.#words ?? (await this.#resolveWords())
    const { isDone } = await words.inspect.send(words.nameOf(key))
    return isDone ? { owner: '', token: 0, remainingUs: null, nowUs: 0 } : null
  }

  async extend(): Promise<never> {
    throw new errors.E_UNSUPPORTED('a session lock lasts as long as its session: there is no end to extend')
  }

  async forceRelease(): Promise<never> {
    throw new errors.E_UNSUPPORTED(
      "a session lock can only be released by its own session; to end somebody else's session, use `pg_terminate_backend` or `kill` at the server; leases (`createLock(key, ttl)`) have `forceRelease()`",
    )
  }

  onLoss({ token }: LeaseHold, lost: () => void): void {
    const entry = this.#names.held(token)
    if (entry) entry.onLoss = lost
    else lost()
  }

  async close(): Promise<void> {
    this.#isClosing = true
    if (!this.#isInUse) await this.#words?.session.end()
  }

  get #isInUse(): boolean {
    return this.#names.size > 0 || this.wakeSource.size > 0
  }

  async #release(entry: NameEntry): Promise<boolean> {
    if (!this.#words) throw new TypeError('nothing is held before the first words')
    entry.isHeld = false
    try {
      const { isDone } = await this.#words.release.send(entry.name)
      // If the session ended meanwhile, nobody knows whether it did so before.
      const isReleased = !entry.isLost && (isDone === true || entry.mayBeReleased)
      this.#forget(entry)
      this.wakeSource.wake(entry.name.lock)
      return isReleased
    } catch (error) {
      if (entry.isLost) return false
      entry.isHeld = true
      entry.mayBeReleased = true
      throw error
    } finally {
      entry.settle()
    }
  }

  #forget(entry: NameEntry): void {
    this.#names.delete(entry)
    if (this.#isClosing && !this.#isInUse) void this.#words?.session.end()
  }

  #unmark(name: SessionName): void {
    // A mark that stays costs others a notification.
    if (this.#marks.delete(name.lock)) this.#words?.unwant.send(name).catch(() => {})
  }

  /** Nothing that the session had is ours any more, whether the server has noticed or not. */
  #lost(): void {
    this.#marks.clear()
    for (const onLoss of this.#names.loseAll()) onLoss()
    this.wakeSource.wake(undefined)
  }

  /** Once at a time: each would open a session of its own. */
  #resolveWords(): Promise<SessionWords> {
    this.#resolving ??= this.#findWords().finally(() => {
      this.#resolving = undefined
    })
    return this.#resolving
  }

  async #findWords(): Promise<SessionWords> {
    const { connect, executor, dialect, clock } = this.#parts
    this.#words ??= await SessionWords.of(await dialect(), {
      ...{ connect, executor, clock },
      lost: () => this.#lost(),
      freed: (lock) => this.wakeSource.wake(lock),
      isInUse: () => this.#isInUse,
    })
    return this.#words
  }
}

function granted({ token }: NameEntry): TryOutcome {
  return { granted: true, token, grantedAtUs: 0 }
}

function lostTrouble(): StoreTrouble {
  return new StoreTrouble('unreachable', new Error('the session ended before its answer was heard'))
}
