import type { Clock } from '../clock.ts'
import type { LockDialect } from '../dialects/dialect.ts'
import type { SessionDialect } from '../dialects/session-dialect.ts'
import { isLockError } from '../errors.ts'
import type { SqlExecutor, Wording } from '../executors/executor.ts'
import type { HearingConnection } from '../executors/reopening-connection.ts'
import type { Answer } from '../statement.ts'
import { StoreTrouble } from '../store-trouble.ts'
import { SessionProof } from './session-proof.ts'

/** What a {@link PinnedSession} is made of. */
export interface PinnedSessionParts {
  /** A connection beside the caller's pool, that nothing else is sent on. A new one at each call. */
  readonly connect: () => HearingConnection
  /** The caller's connections: where the proof is sent if the server has no room for another one. */
  readonly executor: SqlExecutor
  readonly words: SessionDialect
  readonly meaningOf: LockDialect['meaningOf']
  readonly clock: Clock
  /** It is over: whatever it had is lost. */
  readonly lost: () => void
  /** Somebody has released what has this name; `undefined`: anything may have been released. */
  readonly freed: (lock: string | undefined) => void
  readonly isInUse: () => boolean
}

/**
 * Between two heartbeats. A network that has gone silent is noticed within two of these, and half of a minute after the server
 * has ended a session (which it does not tell a machine that is unplugged), nobody here believes in it any more.
 */
const HEARTBEAT_MS = 5_000
/** How long a statement may take: none of them waits for anything. */
const ANSWER_MS = 5_000
/** Opening is half of it. */
const OPEN_MS = 20_000
/** Not in use at so many heartbeats in a row, it is closed: after a minute. */
const IDLE_HEARTBEATS = 12
/** The process does not end for so long after the last statement. */
const AWAKE_MS = 100
/** A pooler stays one until somebody changes the configuration. */
const REFUSED_MS = 60_000

const ALIVE: Wording = { name: 'session-alive', sql: 'select 1 as is_alive' }

/** One session, from being opened to its end. What comes after it is another one, which holds nothing. */
interface Life {
  readonly connection: HearingConnection
  readonly ready: Promise<void>
  /** Tells those who wait for it to be ready that it will not be. */
  readonly fail: (error: unknown) => void
  isReady: boolean
  isOver: boolean
  stopHearing: () => void
  cancelHeartbeat: () => void
  idleHeartbeats: number
}

/**
 * The one session that has all session locks of a store. Opened for the first statement, proven to be ours alone, and watched by a heartbeat. When
 * anything about it is in doubt (it has ended, or did not answer in time) it is given up, and the server, once it has noticed, frees what it had.
 */
export class PinnedSession {
  readonly #parts: PinnedSessionParts
  readonly #proof: SessionProof | undefined
  #life: Life | undefined
  #refusal: { readonly error: unknown; readonly untilMs: number } | undefined
  #inFlight = 0
  #isAwake = false
  #letProcessEnd = () => {}
  #closing: Promise<unknown> = Promise.resolve()

  constructor(parts: PinnedSessionParts) {
    this.#parts = parts
    const { words, executor, connect, clock } = parts
    this.#proof = words.hearing && new SessionProof({ hearing: words.hearing, executor, connect, clock })
  }

  /** Releases by other processes are heard. */
  get isHearing(): boolean {
    return this.#proof !== undefined && this.#life?.isReady === true
  }

  /**
   * Sends a statement on it.
   *
   * @throws StoreTrouble: `unreachable` also when nobody knows whether it was carried out, since whatever it did is gone with the session;
   * LockError `E_SESSION_POOLED`
   */
  async send(wording: Wording, values: readonly unknown[]): Promise<Answer> {
    this.#stayAwake()
    const life = this.#life ?? this.#begin()
    try {
      if (!life.isReady) await life.ready
      if (life.isOver) throw new StoreTrouble('unreachable', new Error('the session has ended'))
      return await life.connection.execute(wording, values, ANSWER_MS)
    } catch (error) {
      throw this.#troubleOf(error, life, wording.name)
    } finally {
      this.#inFlight--
    }
  }

  /** Ends it: what it still has, the server frees. The next statement begins another one. */
  async end(): Promise<void> {
    if (this.#life) this.#end(this.#life)
    this.#sleep()
    await this.#closing
  }

  /** The connection keeps no process alive; somebody who waits for an answer must not be alone with it. A timer for each would cost as much as the rest. */
  #stayAwake(): void {
    this.#inFlight++
    if (this.#isAwake) return
    this.#isAwake = true
    const look = () => {
      this.#isAwake = this.#inFlight > 0
      if (this.#isAwake) this.#letProcessEnd = this.#parts.clock.after(AWAKE_MS, look)
    }
    look()
  }

  #sleep(): void {
    if (this.#inFlight > 0) return
    this.#letProcessEnd()
    this.#isAwake = false
  }

  #begin(): Life {
    const refusal = this.#refusal
    if (refusal && this.#parts.clock.nowMs() < refusal.untilMs) throw refusal.error
    const connection = this.#parts.connect()
    const { promise: ready, resolve, reject: fail } = Promise.withResolvers<void>()
    const life: Life = {
      ...{ connection, ready, fail, isReady: false, isOver: false },
      ...{ stopHearing: () => {}, cancelHeartbeat: () => {}, idleHeartbeats: 0 },
    }
    this.#life = life
    life.stopHearing = connection.hear({
      notified: (channel, payload) => {
        if (!life.isOver && !this.#proof?.notified(channel, payload)) this.#parts.freed(payload)
      },
      lost: (cause) => this.#end(life, cause),
    })
    this.#open(life).then(resolve, (error) => this.#failed(life, error))
    return life
  }

  async #open(life: Life): Promise<void> {
    const { words, freed } = this.#parts
    if (this.#proof) await this.#proof.provide(life.connection, OPEN_MS, () => life.isOver)
    await life.connection.execute(words.opening, [], OPEN_MS)
    if (life.isOver) throw new Error('the session has ended')
    life.isReady = true
    this.#refusal = undefined
    this.#watch(life)
    freed(undefined)
  }

  #failed(life: Life, error: unknown): void {
    if (isLockError(error)) this.#refusal = { error, untilMs: this.#parts.clock.nowMs() + REFUSED_MS }
    life.fail(error)
    this.#end(life)
  }

  #watch(life: Life): void {
    life.cancelHeartbeat = this.#parts.clock.after(HEARTBEAT_MS, () => void this.#beat(life), false)
  }

  async #beat(life: Life): Promise<void> {
    life.idleHeartbeats = this.#inFlight > 0 || this.#parts.isInUse() ? 0 : life.idleHeartbeats + 1
    if (life.idleHeartbeats >= IDLE_HEARTBEATS) return this.#end(life)
    try {
      await life.connection.execute(ALIVE, [], ANSWER_MS)
    } catch {
      return this.#end(life)
    }
    if (!life.isOver) this.#watch(life)
  }

  #end(life: Life, cause: unknown = new Error('the session has ended')): void {
    if (life.isOver) return
    life.isOver = true
    life.isReady = false
    life.fail(cause)
    if (this.#life === life) this.#life = undefined
    life.cancelHeartbeat()
    life.stopHearing()
    this.#closing = life.connection.close()
    this.#parts.lost()
  }

  #troubleOf(error: unknown, life: Life, statement = ''): unknown {
    if (isLockError(error) || error instanceof StoreTrouble) return error
    const meaning = this.#parts.meaningOf(error, statement)
    if (meaning === 'transient') return new StoreTrouble('transient', error)
    // The server has answered, and the session is well.
    if (!['unreachable', 'unanswered', 'unknown'].includes(meaning)) return new StoreTrouble('failed', error)
    this.#end(life)
    return new StoreTrouble('unreachable', error)
  }
}
