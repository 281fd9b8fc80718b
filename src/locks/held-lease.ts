import type { Clock } from '../clock.ts'
import { quoted } from '../describe-value.ts'
import type { DatabaseClock } from '../engine/database-clock.ts'
import type { Extension } from '../engine/keep.ts'
import type { RenewedHold } from '../engine/keep-alive.ts'
import { errors } from '../errors.ts'
import type { Presence } from '../store/lock-store.ts'
import type { LossReason } from './lock-events.ts'
import type { Reporter } from './reporter.ts'

/** What a {@link HeldLease} is made of. */
export interface HeldLeaseInit {
  readonly key: string
  readonly owner: string
  readonly token: number
  readonly ttlUs: number | null
  readonly deadlineMs: number
  readonly expiresAtUs: number | null
  /** When the grant was asked for, by the local clock; missing: it was granted elsewhere. */
  readonly sentAtMs?: number
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

  /** `maxHold` allows no later end, except by hand. */
  latestEndMs = Number.POSITIVE_INFINITY

  #deadlineMs: number
  #abortReason: unknown
  #extending: Promise<unknown> = Promise.resolve()
  #extensions = 0
  #releasing: Promise<boolean> | undefined
  #isWatched = false
  #isEndTold = false
  /** Since when it is known to be over, though its holder did not want that. */
  #lostAtMs: number | undefined
  readonly #sentAtMs: number | undefined
  readonly #reporter: Reporter | undefined
  readonly #clock: Clock
  readonly #databaseClock: DatabaseClock
  #controller: AbortController | undefined
  #cancelTimer: () => void = () => {}

  /** @param reporter who is told how it ends; missing: nobody */
  constructor(init: HeldLeaseInit, clock: Clock, databaseClock: DatabaseClock, reporter?: Reporter) {
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
    this.#sentAtMs = init.sentAtMs
    this.#reporter = reporter
    this.#clock = clock
    this.#databaseClock = databaseClock
  }

  get deadlineMs(): number {
    return this.#deadlineMs
  }

  /** Who watches for it follows, also to an earlier deadline. */
  set deadlineMs(deadlineMs: number) {
    this.#deadlineMs = deadlineMs
    this.#cancelTimer()
    if (this.#isWatched && this.#abortReason === undefined) this.#watch()
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
    this.tellExtension(ttlUs, 'kept-alive')
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
      if (this.#abortReason === undefined) this.watch()
      else this.#controller.abort(this.#abortReason)
    }
    return this.#controller.signal
  }

  /** Its end is noticed at that moment, by a timer. */
  watch(): void {
    this.#isWatched = true
    this.#cancelTimer()
    this.#watch()
  }

  /** Aborts the signal, also for those who look at it later. */
  abort(reason: unknown): void {
    this.#cancelTimer()
    this.#abortReason ??= reason
    this.#controller?.abort(reason)
  }

  /** The end of the hold, one way or the other; the signal of a released hold stays quiet. */
  end(state: 'released' | 'lost', reason?: LossReason): void {
    if (this.state === 'released') return
    this.state = state
    if (state === 'lost') {
      this.abort(this.lossError())
      this.#tellLoss(reason ?? this.lossReason())
    } else {
      this.#cancelTimer()
      this.tellRelease(true)
    }
  }

  /** Its work is over, maybe later than the hold was. To be called before it is released. */
  workEnded(): void {
    const reporter = this.#reporter
    if (!reporter?.topics.lost.isHeard && !reporter?.topics.overrun.isHeard) return
    this.noticeExpiry()
    if (this.#lostAtMs === undefined) return
    const overMs = this.#clock.nowMs() - this.#lostAtMs
    this.#lostAtMs = undefined
    reporter.tell('overrun', { ...this.#about(), overMs })
  }

  /** If its time is over, that is a loss; unless it was handed on: whoever has it may have extended it. */
  noticeExpiry(): void {
    const isOurs = this.state === 'held' && this.isProven && !this.isShared
    if (isOurs && this.isOver()) this.#tellLoss(this.lossReason())
  }

  /** It is over for its holder; `isConfirmed`: the database has said so, too. */
  tellRelease(isConfirmed: boolean): void {
    if (this.#isEndTold) return
    this.#isEndTold = true
    if (this.#reporter?.topics.released.isHeard) this.#reporter.tell('released', { ...this.#about(), isConfirmed })
  }

  /** Somebody else has it from here on. */
  tellHandedOn(): void {
    if (!this.isShared && this.#reporter?.topics['handed-on'].isHeard) this.#reporter.tell('handed-on', this.#about())
  }

  tellExtension(ttlUs: number | null, how: 'by-hand' | 'kept-alive'): void {
    if (!this.#reporter?.topics.extended.isHeard) return
    const { key, token } = this.#about()
    this.#reporter.tell('extended', { key, token, ttlMs: ttlUs === null ? null : ttlUs / 1000, how })
  }

  /** It was never released, and nobody can do that any more. */
  tellLeak(takenAt: string, isKeptAlive: boolean): void {
    this.#reporter?.tell('leaked', { ...this.#about(), isKeptAlive, takenAt })
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

  /** What ends it at this moment, if something does. */
  protected lossReason(): LossReason {
    if (this.presence?.isGone) return 'presence-ended'
    if (!this.isProven || this.#clock.nowMs() < this.deadlineMs) return 'gone'
    // But for what rounding to microseconds takes away.
    return Math.abs(this.deadlineMs - this.latestEndMs) <= 1 ? 'max-hold' : 'expired'
  }

  #tellLoss(reason: LossReason): void {
    if (this.#isEndTold) return
    this.#isEndTold = true
    const nowMs = this.#clock.nowMs()
    this.#lostAtMs = this.isProven ? Math.min(nowMs, this.deadlineMs) : nowMs
    if (this.#reporter?.topics.lost.isHeard) this.#reporter.tell('lost', { ...this.#about(this.#lostAtMs), reason })
  }

  #about(nowMs = this.#clock.nowMs()) {
    const { key } = this
    const heldMs = this.#sentAtMs === undefined ? null : nowMs - this.#sentAtMs
    return { key, token: this.#reporter?.tokenOf(this.token) ?? null, heldMs }
  }

  /** Sleeps until the deadline; if an extension has moved it meanwhile, sleeps on. */
  #watch(): void {
    const leftMs = this.remainingMs()
    if (leftMs === null || this.state === 'released') return
    if (leftMs === 0) {
      this.abort(this.lossError())
      this.noticeExpiry()
    } else this.#cancelTimer = this.#clock.after(leftMs, () => this.#watch(), this.isAtWork)
  }

  /** By what the database said elsewhere: without ever having heard of its clock, nothing is proven. */
  #restoredRemainingMs(): number | null {
    if (this.expiresAtUs === null) return this.ttlUs === null ? null : 0
    const nowUs = this.#databaseClock.latestUs()
    return nowUs === undefined ? 0 : Math.max(0, (this.expiresAtUs - nowUs) / 1000)
  }
}
