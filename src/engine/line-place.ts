import type { HandOverOutcome, LeaseRequest, TryOutcome } from '../store/lock-store.ts'
import type { Bounds } from './bounds.ts'
import { type Grant, grantOf } from './grant.ts'
import { Pauses, yieldMs } from './pauses.ts'
import { newSleep, type Sleep } from './sleep.ts'
import type { WaitLine } from './wait-line.ts'
import type { Obstacle, PauseWish, Place } from './waiting.ts'

/** Whom a release in this process can hand the key over to. */
export interface Heir {
  readonly request: LeaseRequest
  /** To be called with what became of it; `undefined`: nobody knows, and the heir must find out by itself. */
  settle(outcome: HandOverOutcome | undefined, sentAtMs: number, handOvers: number): void
}

/** The place of one waiter in a line. See {@link WaitLine} for the states of the first one. */
export class LinePlace implements Place {
  readonly #line: WaitLine<LinePlace>
  readonly #refusalsBefore: number
  readonly #wasHeldBefore: boolean
  readonly #turn = Promise.withResolvers<void>()
  readonly #firstAttempt: string
  readonly #left: () => void
  readonly #pauses: Pauses
  #request: LeaseRequest
  #renamings = 0
  #obstacle: Obstacle | undefined
  #sleep: Sleep | undefined

  constructor(line: WaitLine<LinePlace>, request: LeaseRequest, left: () => void = () => {}) {
    this.#line = line
    this.#left = left
    this.#request = request
    this.#firstAttempt = request.attempt
    this.#pauses = new Pauses(line.parts.timing)
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

  /** Whether a wake-up ends its sleep, and a release can hand the key over to it. */
  get canBeServed(): boolean {
    const sleep = this.#sleep
    return sleep !== undefined && !sleep.isOver && !sleep.isBeingServed && !sleep.isYielding
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
    const pauses = this.#pauses
    const wishedMs = pauses.nextMs(wish, line.isHearing)
    const pauseMs = Math.min(wishedMs, obstacle.freeInMs ?? Number.POSITIVE_INFINITY)
    if (obstacle.isInThisProcess) return this.#sleepFor(pauseMs, bounds)
    line.listen()

    const mark = pauses.isMarkDue(wishedMs, line.isHearing) ? await bounds.race(line.mark()) : undefined
    // A row that is locked although nobody holds the key: a transaction has it until it commits.
    if (mark === 'free' && !obstacle.isRowLocked) return undefined
    if (mark !== 'marked' && (obstacle.isRowLocked || mark === 'locked')) {
      return this.#sleepFor(Math.min(pauseMs, pauses.nextForRowLockMs()), bounds)
    }
    pauses.rowWasFree()
    if (line.isHearing || wish.isCounted) return this.#sleepFor(pauseMs, bounds)
    return this.#sleepFor(Math.min(pauseMs, pauses.whileYieldedMs(mark === 'marked')), bounds)
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
    if (this.canBeServed) this.#sleep?.end()
  }

  /** Not woken by the release that comes now, which is meant for other processes: they get their turn. */
  yieldTurn(): void {
    const sleep = this.#sleep
    if (!sleep) return
    const { timing } = this.#line.parts
    sleep.isYielding = true
    sleep.cancelTimer()
    sleep.cancelTimer = timing.clock.after(yieldMs(this.#line.isHearing), () => sleep.end())
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
