import { jittered } from '../backoff.ts'
import type { HandOverOutcome, LeaseRequest, LockStore, TryOutcome, WantAnswer } from '../store/lock-store.ts'
import type { Timing } from './ask.ts'
import type { Bounds } from './bounds.ts'
import type { GiveBack } from './give-back.ts'
import { type Grant, grantOf } from './grant.ts'
import type { LocalHolds } from './local-holds.ts'
import type { Obstacle, PauseWish, Place } from './waiting.ts'

/** What a line works with. */
export interface LineParts {
  readonly store: Pick<LockStore, 'want' | 'wakeSource'>
  readonly timing: Timing
  readonly giveBack: GiveBack
  readonly holds: LocalHolds
}

/**
 * Without wake-ups from other processes: the first pauses are this short, since many locks are held for moments only,
 * and double up to the caller's `delay`.
 */
const FIRST_POLL_MS = 5
/** Transactions are short: one that has a row locked is first looked at again after this time. */
const ROW_LOCK_MS = 20
/** A waiter that polls more often than this need not mark that it waits: whoever looks will not be the last to look. */
const MARK_FROM_MS = 50
/**
 * Who polls marks no more often than this: a grant takes the mark away, and each mark is followed by a short pause, so that it looks
 * while the others yield to it.
 */
const MARK_EVERY_MS = 500
/** How long the own waiters hold back after a release that is meant for others: those need a wake-up and a try, or a poll and a try. */
const YIELD_MS = 10
const YIELD_TO_POLLERS_MS = 150

/** Whom a release in this process can hand the key over to. */
export interface Heir {
  readonly request: LeaseRequest
  /** To be called with what became of it; `undefined`: nobody knows, and the heir must find out by itself. */
  settle(outcome: HandOverOutcome | undefined, sentAtMs: number, handOvers: number): void
}

/**
 * Those in this process who wait for one key, in the order in which they came. The first one is in one of these states:
 *
 * - asking: its try, or its mark that it waits, is on the way to the store
 * - sleeping: it was refused, and sleeps until a wake-up, the end of the lease in the way, or the end of its pause
 * - being served: somebody in this process releases the key, and hands it over to it
 *
 * All others wait in memory, until they are first.
 */
export class WaitLine {
  readonly #parts: LineParts
  readonly #key: string
  readonly #places = new Set<LinePlace>()
  #refusals = 0
  #isAsking = false
  #isWoken = false
  #unsubscribe: (() => void) | undefined
  #waitForRefusal = Promise.withResolvers<void>()

  constructor(parts: LineParts, key: string) {
    this.#parts = parts
    this.#key = key
  }

  get parts(): LineParts {
    return this.#parts
  }

  get isEmpty(): boolean {
    return this.#places.size === 0
  }

  get first(): LinePlace | undefined {
    return this.#places.values().next().value
  }

  /** Grows with everything that tells that the key is held. */
  get refusals(): number {
    return this.#refusals
  }

  /** As far as the line knows, which has no question under way: a database that does not answer tells nothing. */
  get isKnownToBeHeld(): boolean {
    return this.#refusals > 0 && !this.#isAsking
  }

  /** The key may be free. */
  wake(): void {
    this.#isWoken = true
    this.first?.wake()
  }

  join(place: LinePlace): void {
    this.#places.add(place)
    if (this.first === place) place.promote()
  }

  leave(place: LinePlace, grant: Grant | undefined): void {
    if (grant) {
      this.#parts.holds.note(this.#key, grant.deadlineMs)
      this.refused()
    }
    const wasFirst = this.first === place
    if (!this.#places.delete(place) || !wasFirst) return
    this.#isAsking = false
    if (this.isEmpty) this.#unsubscribe?.()
    else this.first?.promote()
  }

  /** Whoever was first could not ask. */
  fail(error: Error): void {
    for (const place of this.#places) if (place !== this.first) place.reject(error)
  }

  refused(): void {
    this.#refusals++
    this.#waitForRefusal.resolve()
  }

  /** Comes back at once if it is known that somebody holds the key. */
  untilRefused(): Promise<void> {
    return this.#waitForRefusal.promise
  }

  /** What is in the way, if the key is known to be held in this process. */
  localObstacle(): Obstacle | undefined {
    const leftMs = this.#parts.holds.leftMs(this.#key)
    if (leftMs === undefined) return undefined
    return { freeInMs: leftMs === Number.POSITIVE_INFINITY ? null : leftMs, isRowLocked: false, isInThisProcess: true }
  }

  /** A try is on its way. What has woken the line until now is heeded by it. */
  beginTry(): void {
    this.#isAsking = true
    this.#isWoken = false
  }

  heard({ granted }: TryOutcome): void {
    this.#isAsking = false
    if (!granted) this.refused()
  }

  /** Whether something has woken the line since the last try, or the last call. */
  takeWake(): boolean {
    const isWoken = this.#isWoken
    this.#isWoken = false
    return isWoken
  }

  /** Hears of other processes from here on, until the line is empty. */
  listen(): void {
    this.#unsubscribe ??= this.#parts.store.wakeSource?.subscribe(this.#key, () => this.wake())
  }

  get isHearing(): boolean {
    return this.#parts.store.wakeSource?.isHearing === true
  }

  /** Marks that somebody waits. Trouble with that is no trouble: the waiter polls, too. */
  async mark(): Promise<WantAnswer | undefined> {
    try {
      return await this.#parts.store.want(this.#key)
    } catch {
      return undefined
    }
  }
}

/** How the first one in line sleeps. */
interface Sleep {
  /** Ends with the grant, if it was handed the key. */
  readonly ended: Promise<Grant | undefined>
  readonly end: (grant?: Grant) => void
  cancelTimer: () => void
  isOver: boolean
  isBeingServed: boolean
  /** A release was meant for other processes: only the timer wakes. */
  isYielding: boolean
}

/** The place of one waiter. */
export class LinePlace implements Place {
  readonly #line: WaitLine
  readonly #refusalsBefore: number
  readonly #wasHeldBefore: boolean
  readonly #turn = Promise.withResolvers<void>()
  readonly #firstAttempt: string
  readonly #left: () => void
  #request: LeaseRequest
  #renamings = 0
  #polls = 0
  #rowLocks = 0
  #nextMarkMs = Number.NEGATIVE_INFINITY
  #refusedSinceMs: number | undefined
  #obstacle: Obstacle | undefined
  #sleep: Sleep | undefined

  constructor(line: WaitLine, request: LeaseRequest, left: () => void = () => {}) {
    this.#line = line
    this.#left = left
    this.#request = request
    this.#firstAttempt = request.attempt
    this.#refusalsBefore = line.refusals
    this.#wasHeldBefore = line.isKnownToBeHeld
    // Whoever has left the line does not care any more.
    this.#turn.promise.catch(() => {})
  }

  get request(): LeaseRequest {
    return this.#request
  }

  get isFirst(): boolean {
    return this.#line.first === this
  }

  get wasRefused(): boolean {
    return this.#wasHeldBefore || this.#line.refusals > this.#refusalsBefore
  }

  /** Whether a release can hand the key over to it. */
  get canBeServed(): boolean {
    return this.#isAwakable
  }

  /** It is first from now on. If the key is held in this process, it sleeps already: the release may come at any moment. */
  promote(): void {
    this.#obstacle = this.#line.localObstacle()
    if (this.#obstacle) this.#sleep = newSleep()
    this.#turn.resolve()
  }

  reject(error: Error): void {
    this.#turn.reject(error)
  }

  async isFirstWithin(mostMs: number, bounds: Bounds): Promise<boolean> {
    if (this.isFirst) return true
    if (mostMs === Number.POSITIVE_INFINITY) {
      await bounds.race(this.#turn.promise)
      return true
    }
    const { promise: slept, resolve: wake } = Promise.withResolvers<void>()
    const cancelTimer = this.#line.parts.timing.clock.after(mostMs, wake)
    const isRefused = slept.then(() => this.#line.untilRefused())
    try {
      await bounds.race(Promise.race([this.#turn.promise, isRefused]))
    } finally {
      cancelTimer()
    }
    return this.isFirst
  }

  knownObstacle(): Obstacle | undefined {
    const obstacle = this.#obstacle
    this.#obstacle = undefined
    if (obstacle) this.#line.refused()
    return obstacle
  }

  beginTry(): void {
    this.#line.beginTry()
  }

  heard(outcome: TryOutcome): void {
    this.#line.heard(outcome)
  }

  renameAttempt(): void {
    this.#request = { ...this.#request, attempt: `${this.#firstAttempt}.${++this.#renamings}` }
  }

  async untilMaybeFree(wish: PauseWish, obstacle: Obstacle, bounds: Bounds): Promise<Grant | undefined> {
    const line = this.#line
    const pauseMs = this.#pauseMs(wish)
    const lastsMs = obstacle.freeInMs ?? Number.POSITIVE_INFINITY
    if (obstacle.isInThisProcess) return this.#sleepFor(Math.min(pauseMs, lastsMs), bounds)
    line.listen()

    const mark = this.#isMarkDue(pauseMs) ? await bounds.race(line.mark()) : undefined
    // A row that is locked although nobody holds the key: a transaction has it until it commits.
    if (mark === 'free' && !obstacle.isRowLocked) return undefined
    if (mark !== 'marked' && (obstacle.isRowLocked || mark === 'locked')) {
      this.#nextMarkMs = Number.NEGATIVE_INFINITY
      return this.#sleepFor(Math.min(pauseMs, lastsMs, this.#rowLockPauseMs()), bounds)
    }
    this.#rowLocks = 0
    const isTurnNear = mark === 'marked' && !line.isHearing && !wish.isCounted
    const mostMs = isTurnNear ? jittered(YIELD_TO_POLLERS_MS, line.parts.timing.chance) : pauseMs
    return this.#sleepFor(Math.min(pauseMs, lastsMs, mostMs), bounds)
  }

  /** Whoever hears is told by every release of a marked key, and marks whenever it was refused. */
  #isMarkDue(pauseMs: number): boolean {
    if (this.#line.isHearing) return true
    const nowMs = this.#line.parts.timing.clock.nowMs()
    // However short its pauses are: who has been refused for long has met others that hand the key on among themselves.
    this.#refusedSinceMs ??= nowMs
    const isRefusedForLong = nowMs - this.#refusedSinceMs >= MARK_EVERY_MS
    if ((pauseMs < MARK_FROM_MS && !isRefusedForLong) || nowMs < this.#nextMarkMs) return false
    this.#nextMarkMs = nowMs + MARK_EVERY_MS
    return true
  }

  /** Most transactions are over in a moment; for one that is not, pauses double. */
  #rowLockPauseMs(): number {
    return ROW_LOCK_MS * 2 ** this.#rowLocks++
  }

  fail(error: Error): void {
    if (this.isFirst) this.#line.fail(error)
  }

  leave(grant?: Grant): void {
    const { request } = this
    const sleep = this.#sleep
    this.#sleep = undefined
    sleep?.cancelTimer()
    // What is handed over to it from here on is nobody's.
    void sleep?.ended.then((late) => late && this.#line.parts.giveBack.abandon(request))
    this.#line.leave(this, grant)
    this.#left()
  }

  wake(): void {
    if (this.#isAwakable) this.#sleep?.end()
  }

  get #isAwakable(): boolean {
    const sleep = this.#sleep
    return sleep !== undefined && !sleep.isOver && !sleep.isBeingServed && !sleep.isYielding
  }

  /** Not woken by the release that comes now, which is meant for other processes: they get their turn. */
  yieldTurn(): void {
    const sleep = this.#sleep
    if (!sleep) return
    const { timing, store } = this.#line.parts
    sleep.isYielding = true
    sleep.cancelTimer()
    sleep.cancelTimer = timing.clock.after(store.wakeSource ? YIELD_MS : YIELD_TO_POLLERS_MS, () => sleep.end())
  }

  /** Somebody hands the key over to it: until it is settled, it asks nobody. */
  beginService(): Heir | undefined {
    const sleep = this.#sleep
    if (!sleep) return undefined
    sleep.isBeingServed = true
    const { request } = this
    const settle = (outcome: HandOverOutcome | undefined, sentAtMs: number, handOvers: number) => {
      // It may have been granted the key, or be granted it later: whatever it asks for from here on goes by another name.
      if (outcome === undefined) {
        this.#line.parts.giveBack.abandonUnheard(request)
        this.renameAttempt()
      }
      // Also if it has left meanwhile: then the grant is given back.
      sleep.end(
        outcome?.granted ? grantOf(request, outcome, sentAtMs, { handOvers, isWanted: outcome.isWanted }) : undefined,
      )
    }
    return { request, settle }
  }

  #pauseMs({ mostMs, isCounted }: PauseWish): number {
    const { chance } = this.#line.parts.timing
    // Whose tries are counted says exactly when the next one is due.
    if (isCounted) return mostMs
    if (this.#line.isHearing) return jittered(mostMs, chance)
    return jittered(Math.min(mostMs, FIRST_POLL_MS * 2 ** this.#polls++), chance)
  }

  async #sleepFor(pauseMs: number, bounds: Bounds): Promise<Grant | undefined> {
    const sleep = this.#sleep ?? newSleep()
    if (!sleep.isBeingServed && this.#line.takeWake()) sleep.end()
    this.#sleep = sleep
    // Who has begun to yield meanwhile has a timer already.
    if (!sleep.isYielding && !sleep.isOver) {
      sleep.cancelTimer = this.#line.parts.timing.clock.after(pauseMs, () => {
        if (!sleep.isBeingServed) sleep.end()
      })
    }
    const grant = await bounds.race(sleep.ended)
    this.#sleep = undefined
    return grant
  }
}

function newSleep(): Sleep {
  const { promise: ended, resolve } = Promise.withResolvers<Grant | undefined>()
  const sleep: Sleep = {
    ended,
    end(grant) {
      sleep.isOver = true
      sleep.cancelTimer()
      resolve(grant)
    },
    cancelTimer: () => {},
    isOver: false,
    isBeingServed: false,
    isYielding: false,
  }
  return sleep
}
