import type { Clock } from '../clock.ts'
import { quoted } from '../describe-value.ts'
import type { DatabaseClock } from '../engine/database-clock.ts'
import type { Extension } from '../engine/keep.ts'
import type { RenewedHold } from '../engine/keep-alive.ts'
import { errors } from '../errors.ts'
import type { Presence } from '../store/lock-store.ts'

/** What a {@link HeldLease} is made of. */
export interface HeldLeaseInit {
  readonly key: string
  readonly owner: string
  readonly token: number
  readonly ttlUs: number | null
  readonly deadlineMs: number
  readonly expiresAtUs: number | null
  readonly attempt?: string
  readonly wasUnheard?: boolean
  readonly handOvers?: number
  readonly isWanted?: boolean
  readonly presence?: Presence | undefined
}

/** One hold of this process: what is known of it locally, and the signal that tells of its end. */
export class HeldLease implements RenewedHold {
  readonly key: string
  readonly owner: string
  readonly token: number
  readonly attempt: string | undefined
  readonly wasUnheard: boolean
  readonly handOvers: number
  readonly isWanted: boolean
  /** What it ends with, whatever its TTL; `undefined`: nothing of the kind. */
  readonly presence: Presence | undefined
  isReleaseUnconfirmed = false
  isGuarded = false
  ttlUs: number | null
  /** The end by the database's clock, microseconds since the epoch; `null`: never. */
  expiresAtUs: number | null
  /** `released`: by this process. `lost`: the database said that it is not ours any more. */
  state: 'held' | 'released' | 'lost' = 'held'
  /** It was handed to somebody else by `serialize()`: closing the factory leaves it alone. */
  isShared = false
  /** Whether the timer of the signal keeps the process alive: while a callback of `run` works. */
  isAtWork = false

  /** The end of its run is on its way to the store: from then on the store does not know the hold any more. */
  isFinishing = false

  #deadlineMs: number
  #abortReason: unknown
  #extending: Promise<unknown> = Promise.resolve()
  #extensions = 0
  #releasing: Promise<boolean> | undefined
  readonly #clock: Clock
  readonly #databaseClock: DatabaseClock
  #controller: AbortController | undefined
  #cancelTimer: () => void = () => {}

  constructor(init: HeldLeaseInit, clock: Clock, databaseClock: DatabaseClock) {
    this.key = init.key
    this.owner = init.owner
    this.token = init.token
    this.ttlUs = init.ttlUs
    this.attempt = init.attempt
    this.wasUnheard = init.wasUnheard ?? false
    this.handOvers = init.handOvers ?? 0
    this.isWanted = init.isWanted ?? false
    this.presence = init.presence
    this.#deadlineMs = init.deadlineMs
    this.expiresAtUs = init.expiresAtUs
    this.#clock = clock
    this.#databaseClock = databaseClock
  }

  get deadlineMs(): number {
    return this.#deadlineMs
  }

  /** The signal follows, also to an earlier deadline. */
  set deadlineMs(deadlineMs: number) {
    this.#deadlineMs = deadlineMs
    this.#cancelTimer()
    if (this.#controller && !this.#controller.signal.aborted) this.#watch()
  }

  /** One extension after the other: the last one to be answered must be the last one that the database carried out. */
  extendInTurn<Result>(extend: () => Promise<Result>): Promise<Result> {
    this.#extensions++
    const turn = this.#extending.then(extend)
    const ended = () => {
      this.#extensions--
    }
    this.#extending = turn.then(ended, ended)
    return turn
  }

  get isExtending(): boolean {
    return this.#extensions > 0
  }

  renewed({ extendedAtUs, sentAtMs }: Extension, ttlUs: number): void {
    this.#databaseClock.note(extendedAtUs, sentAtMs)
    this.deadlineMs = sentAtMs + ttlUs / 1000
    this.expiresAtUs = extendedAtUs + ttlUs
    this.isGuarded = false
  }

  lose(): void {
    if (!this.isFinishing) this.end('lost')
  }

  /** However many want it released at the same time, it is released once. */
  releaseOnce(release: () => Promise<boolean>): Promise<boolean> {
    this.#releasing ??= release().finally(() => {
      this.#releasing = undefined
    })
    return this.#releasing
  }

  /** `false`: this process has not heard from the database yet that the hold is live. */
  get isProven(): boolean {
    return this.deadlineMs !== Number.NEGATIVE_INFINITY
  }

  /** Milliseconds for which holding can be proven; 0: none; `null`: for ever. */
  remainingMs(): number | null {
    if (this.state === 'lost') return 0
    if (!this.isProven) return this.#restoredRemainingMs()
    if (this.deadlineMs === Number.POSITIVE_INFINITY) return null
    return Math.max(0, this.deadlineMs - this.#clock.nowMs())
  }

  /** Whether holding cannot be proven any more. */
  isOver(): boolean {
    return this.remainingMs() === 0
  }

  /** Aborts with `E_LOCK_LOST` when {@link isOver} becomes true. Costs a timer from the first look at it. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#abortReason === undefined) this.#watch()
      else this.#controller.abort(this.#abortReason)
    }
    return this.#controller.signal
  }

  /** Aborts the signal, also for those who look at it later. */
  abort(reason: unknown): void {
    this.#cancelTimer()
    this.#abortReason ??= reason
    this.#controller?.abort(reason)
  }

  /** The end of the hold, one way or the other; the signal of a released hold stays quiet. */
  end(state: 'released' | 'lost'): void {
    if (this.state === 'released') return
    this.state = state
    if (state === 'lost') this.abort(this.lossError())
    else this.#cancelTimer()
  }

  /** The error that tells of the loss. */
  lossError(options: { result?: unknown } = {}) {
    const how = this.presence?.isGone
      ? 'was lost with the connection of the presence that stands for this process'
      : 'ended before the work did'
    return new errors.E_LOCK_LOST(`the lease on ${quoted(this.key)} ${how}`, {
      details: { key: this.key, token: this.token },
      ...options,
    })
  }

  /** Sleeps until the deadline; if an extension has moved it meanwhile, sleeps on. */
  #watch(): void {
    const leftMs = this.remainingMs()
    if (leftMs === null || this.state === 'released') return
    if (leftMs === 0) this.abort(this.lossError())
    else this.#cancelTimer = this.#clock.after(leftMs, () => this.#watch(), this.isAtWork)
  }

  /** By what the database said elsewhere: without ever having heard of its clock, nothing is proven. */
  #restoredRemainingMs(): number | null {
    if (this.expiresAtUs === null) return this.ttlUs === null ? null : 0
    const nowUs = this.#databaseClock.latestUs()
    return nowUs === undefined ? 0 : Math.max(0, (this.expiresAtUs - nowUs) / 1000)
  }
}
