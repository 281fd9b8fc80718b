import { backoffMs } from '../backoff.ts'
import type { LeaseRequest, LeaseStore } from '../store/lock-store.ts'
import type { Timing } from './ask.ts'
import { ask } from './ask.ts'
import { type Bounds, boundsOf } from './bounds.ts'

/** A lease that has ended by itself needs no more clean-up. One without an end is cared for this long. */
const LONGEST_CARE_MS = 10 * 60_000

/** Longer than a statement that lost its connection usually survives in a pooler or behind a table lock. */
const UNHEARD_MS = 5_000

/**
 * What may be held although nobody wants it: a try that was answered after its caller had gone, or whose answer got
 * lost; a release that the database did not confirm.
 */
export interface GiveBack {
  /** Undoes whatever the attempt took. Returns at once. */
  abandon(request: LeaseRequest): void
  /**
   * Undoes whatever the attempt took, now and once more a while later: a statement that was sent and never answered can
   * still be waiting somewhere, and be carried out after the first clean-up. Returns at once.
   */
  abandonUnheard(request: LeaseRequest): void
  /** The same for an attempt that is still under way, and whose caller has gone. Returns at once. */
  abandonLate(request: LeaseRequest, answer: Promise<{ readonly granted: boolean }>, mayHold: () => boolean): void
  /** Closing waits for an answer that comes too late for its caller. */
  expectLate(answer: Promise<unknown>): void
  /** Repeats a release that the database did not confirm. Returns at once. */
  repeatRelease(key: string, ttlUs: number | null, release: () => Promise<unknown>): void
  /**
   * Before a new try for the key: settles now what is still owed, so that the caller does not wait for a lease that
   * this process itself left behind. `undefined`: nothing is owed.
   */
  settle(key: string, bounds: Bounds): Promise<void> | undefined
}

interface Debt {
  readonly key: string
  readonly undo: () => Promise<unknown>
  readonly endMs: number
  efforts: number
  cancelTimer: () => void
  running: Promise<void> | undefined
}

/**
 * Undoes in the background, again and again until the store confirms it or the lease has ended by itself. None of this
 * keeps the process alive.
 */
export class BackgroundGiveBack implements GiveBack {
  readonly #store: LeaseStore
  readonly #timing: Timing
  readonly #freed: (key: string) => void
  readonly #debts = new Map<string, Set<Debt>>()
  /** Answers that nobody waits for any more, but that may leave something to give back. */
  readonly #late = new Set<Promise<unknown>>()
  #isClosed = false

  /** @param freed called when something was given back: whoever waits for the key may ask */
  constructor(store: LeaseStore, timing: Timing, freed: (key: string) => void = () => {}) {
    this.#store = store
    this.#timing = timing
    this.#freed = freed
  }

  abandon({ key, attempt, ttlUs }: LeaseRequest): void {
    this.#owe(key, ttlUs, () => this.#store.abandon(key, attempt))
  }

  abandonUnheard(request: LeaseRequest): void {
    this.abandon(request)
    this.#timing.clock.after(UNHEARD_MS, () => this.abandon(request), false)
  }

  abandonLate(request: LeaseRequest, answer: Promise<{ readonly granted: boolean }>, mayHold: () => boolean): void {
    const late = answer.then(
      ({ granted }) => granted && this.abandon(request),
      () => mayHold() && this.abandonUnheard(request),
    )
    this.expectLate(late)
  }

  expectLate(answer: Promise<unknown>): void {
    this.#late.add(answer)
    const forget = () => this.#late.delete(answer)
    answer.then(forget, forget)
  }

  repeatRelease(key: string, ttlUs: number | null, release: () => Promise<unknown>): void {
    this.#owe(key, ttlUs, release)
  }

  settle(key: string, bounds: Bounds): Promise<void> | undefined {
    const owed = this.#debts.get(key)
    return owed && this.#settle(owed, bounds)
  }

  async #settle(owed: ReadonlySet<Debt>, bounds: Bounds): Promise<void> {
    for (const debt of [...owed]) await bounds.race(ask(() => this.#pay(debt), this.#timing, bounds))
  }

  /**
   * For everything owed one last effort, and more within the time given while the database cannot be reached: a restart is over by then. The
   * rest is left to the leases' own ends.
   */
  async close(withinMs: number): Promise<void> {
    this.#isClosed = true
    const bounds = boundsOf(this.#timing.clock, withinMs)
    await bounds.race(Promise.allSettled(this.#late)).catch(() => {})
    const owed = [...this.#debts.values()].flatMap((debts) => [...debts])
    const payments = owed.map((debt) => ask(() => this.#pay(debt), this.#timing, bounds, true))
    await bounds.race(Promise.allSettled(payments)).catch(() => {})
    for (const debt of owed) debt.cancelTimer()
    this.#debts.clear()
  }

  #owe(key: string, ttlUs: number | null, undo: () => Promise<unknown>): void {
    const lastsMs = ttlUs === null ? LONGEST_CARE_MS : Math.min(ttlUs / 1000, LONGEST_CARE_MS)
    const endMs = this.#timing.clock.nowMs() + lastsMs
    const debt: Debt = { key, undo, endMs, efforts: 0, cancelTimer: () => {}, running: undefined }
    const owed = this.#debts.get(key)
    if (owed) owed.add(debt)
    else this.#debts.set(key, new Set([debt]))
    this.#pay(debt).catch(() => {})
  }

  /** One effort, whoever asks for it: the timer, a new try for the key, and closing share the statement in flight. */
  #pay(debt: Debt): Promise<void> {
    debt.running ??= this.#effort(debt).finally(() => {
      debt.running = undefined
    })
    return debt.running
  }

  async #effort(debt: Debt): Promise<void> {
    debt.cancelTimer()
    debt.efforts++
    try {
      await debt.undo()
      this.#forget(debt)
      this.#freed(debt.key)
    } catch (error) {
      this.#tryLater(debt)
      throw error
    }
  }

  #tryLater(debt: Debt): void {
    const { clock, chance } = this.#timing
    const pauseMs = backoffMs(debt.efforts, 200, 5_000, chance)
    if (this.#isClosed || clock.nowMs() + pauseMs >= debt.endMs) this.#forget(debt)
    else debt.cancelTimer = clock.after(pauseMs, () => void this.#pay(debt).catch(() => {}), false)
  }

  #forget(debt: Debt): void {
    const owed = this.#debts.get(debt.key)
    owed?.delete(debt)
    if (owed?.size === 0) this.#debts.delete(debt.key)
  }
}
