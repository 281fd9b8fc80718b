import type { LockStore, TryOutcome, WantAnswer } from '../store/lock-store.ts'
import type { Timing } from './ask.ts'
import type { GiveBack } from './give-back.ts'
import type { Grant } from './grant.ts'
import type { LocalHolds } from './local-holds.ts'
import type { Obstacle } from './waiting.ts'

/** What a line works with. */
export interface LineParts {
  readonly store: Pick<LockStore, 'want' | 'wakeSource'>
  readonly timing: Timing
  readonly giveBack: GiveBack
  readonly holds: LocalHolds
}

/** Somebody in a line, as the line sees it. */
export interface InLine {
  /** It is first from now on. */
  promote(): void
  /** The key may be free. */
  wake(): void
  /** Whoever was first could not ask. */
  reject(error: Error): void
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
export class WaitLine<Member extends InLine> {
  readonly #parts: LineParts
  readonly #key: string
  readonly #places = new Set<Member>()
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

  get first(): Member | undefined {
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

  join(place: Member): void {
    this.#places.add(place)
    if (this.first === place) place.promote()
  }

  leave(place: Member, grant: Grant | undefined): void {
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
