import { setTimeout as delay } from 'node:timers/promises'
import type { LockFactory, LockInfo } from '../../index.ts'
import { DatabaseNow } from './database-now.ts'
import { endedHolds } from './ended-holds.ts'
import { type LookOptions, lookAtLocks } from './look-at-locks.ts'
import { PastHolds } from './past-holds.ts'
import { RecentTimes } from './recent-times.ts'
import { Waits } from './waits.ts'

/** What a watch knows after a look. */
export interface Look {
  readonly locks: ReadonlyMap<string, LockInfo>
  /** There are more locks than are looked at. */
  readonly isCut: boolean
  /** Milliseconds since the epoch, by the database's clock. */
  readonly nowMs: number
  /** What is new or different since the look before. */
  readonly changed: readonly LockInfo[]
  /** The keys that are not there any more. */
  readonly gone: readonly string[]
}

/** Whether the database answers. */
export type WatchHealth =
  | { readonly state: 'starting' | 'answering' }
  /** `sinceMs` is the time of the last answer (or of the start), by the clock of this machine. */
  | { readonly state: 'silent'; readonly reason: string; readonly sinceMs: number }

/** How a {@link LockWatch} looks. */
export interface LockWatchOptions extends LookOptions {
  /** From the begin of one look to that of the next. After a look that takes longer than that, there is a pause of half of what it took. */
  readonly everyMs: number
  /** One line, without secrets, for an error that a look met. */
  readonly reasonOf: (error: unknown) => string
}

/** A look that takes longer is told as silence, and still waited for. */
const SILENT_AFTER_MS = 3_000
/** After a longer silence, nobody knows when in it a hold ended. */
const LONGEST_GAP_MS = 5_000

const NOTHING: Look = { locks: new Map(), isCut: false, nowMs: 0, changed: [], gone: [] }

/** Looks at the locks again and again, and remembers what it saw: what `verrou top` and `verrou ui` show. */
export class LockWatch {
  readonly #locks: Pick<LockFactory, 'list'>
  readonly #options: LockWatchOptions
  readonly #listeners = new Set<() => void>()
  readonly #stopping = new AbortController()
  readonly #clock = new DatabaseNow()
  #answeredAtMs = Date.now()
  #look = NOTHING
  #health: WatchHealth = { state: 'starting' }
  /** Since when keys are waited for. */
  readonly waits = new Waits()
  /** What the last minutes were like. */
  readonly times = new RecentTimes()
  /** The holds that ended, by key. */
  readonly past = new PastHolds()

  constructor(locks: Pick<LockFactory, 'list'>, options: LockWatchOptions) {
    this.#locks = locks
    this.#options = options
  }

  /** The latest look that was answered. */
  get look(): Look {
    return this.#look
  }

  get health(): WatchHealth {
    return this.#health
  }

  /** Calls the listener after every look, and when the database falls silent. */
  onLook(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Looks until it is stopped. Resolves then. */
  async run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const startedMs = performance.now()
      await this.lookOnce()
      const tookMs = performance.now() - startedMs
      const pauseMs = Math.max(this.#options.everyMs - tookMs, Math.min(tookMs / 2, SILENT_AFTER_MS))
      await delay(pauseMs, undefined, { signal }).catch(() => {})
    }
  }

  /** A look in progress is not waited for. */
  stop(): void {
    this.#stopping.abort()
    this.#listeners.clear()
  }

  /** Looks once. Never rejects: what went wrong is in {@link health}. */
  async lookOnce(): Promise<void> {
    const impatience = setTimeout(() => {
      this.#fallSilent(`no answer for ${SILENT_AFTER_MS / 1000} s`)
    }, SILENT_AFTER_MS)
    try {
      this.#see(await lookAtLocks(this.#locks, this.#options))
    } catch (error) {
      this.#fallSilent(this.#options.reasonOf(error))
    } finally {
      clearTimeout(impatience)
    }
  }

  #see({ locks, isCut }: Pick<Look, 'locks' | 'isCut'>): void {
    const { locks: before, nowMs: beforeMs } = this.#look
    this.#clock.follow(locks.values())
    const { nowMs } = this.#clock
    const hasGap = nowMs - beforeMs > LONGEST_GAP_MS
    const holds = hasGap ? [] : endedHolds(before, locks, nowMs)
    for (const hold of holds) this.past.add(hold)
    const waits = this.waits.follow(before, locks, nowMs)
    this.times.add({ nowMs, holds, waits, ...this.#present(locks, nowMs) })
    const changed = [...locks.values()].filter((lock) => !isSame(lock, before.get(lock.key)))
    const gone = [...before.keys()].filter((key) => !locks.has(key))
    this.#look = { locks, isCut, nowMs, changed, gone }
    this.#health = { state: 'answering' }
    this.#answeredAtMs = Date.now()
    this.#tell()
  }

  #present(locks: Look['locks'], nowMs: number) {
    let held = 0
    let oldestHoldMs: number | null = null
    for (const { isHeld, heldMs } of locks.values()) {
      if (!isHeld) continue
      held++
      oldestHoldMs = Math.max(oldestHoldMs ?? 0, heldMs ?? 0)
    }
    return { held, oldestHoldMs, waitedFor: this.waits.size, longestWaitMs: this.waits.longestMs(nowMs) }
  }

  #fallSilent(reason: string): void {
    if (this.#stopping.signal.aborted) return
    this.#health = { state: 'silent', reason, sinceMs: this.#answeredAtMs }
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

function isSame(lock: LockInfo, before: LockInfo | undefined): boolean {
  return (
    before !== undefined &&
    before.token === lock.token &&
    before.isHeld === lock.isHeld &&
    before.isWanted === lock.isWanted &&
    before.renewals === lock.renewals &&
    before.heldBy === lock.heldBy &&
    before.expiresAt?.getTime() === lock.expiresAt?.getTime()
  )
}
