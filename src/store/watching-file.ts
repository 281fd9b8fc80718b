import type { Clock } from '../clock.ts'
import type { SqlExecutor, Wording } from '../executors/executor.ts'
import { systemClock } from '../system-clock.ts'
import type { ClosableWakeSource } from './wake-source.ts'

/**
 * A number that is another one whenever another connection has committed to the file: https://sqlite.org/pragma.html#pragma_data_version
 * Reads a few bytes that are mapped or cached already, and asks for no lock that keeps a writer out for long.
 */
const DATA_VERSION: Wording = { sql: 'pragma data_version' }

/** The first pauses between two looks: what a hand-over takes while the file is in use. */
const FIRST_PAUSE_MS = 2

/** In a file that nobody writes to, pauses grow by a tenth each time: after 0.3 s of silence they are the longest. */
const GROWTH = 1.1

/** The longest pause: a release that comes after a long time is heard half of this later, on average. */
const LONGEST_PAUSE_MS = 25

/** Every waiter that is woken asks the store. In a file that others write to all the time, this bounds what that costs. */
const PAUSE_PER_WOKEN_MS = 0.5

/** Ten of the longest pauses without an answer: something keeps us from looking. */
const DEAF_AFTER_MS = 10 * LONGEST_PAUSE_MS

/**
 * Hears that another process has written to an SQLite file, by looking often: SQLite itself tells nobody. Which key it was about
 * cannot be seen, so that every waiter is woken. Looks only while somebody has subscribed, on the store's own connection.
 *
 * A look that fails (the file is busy, a transaction of the caller's is open on the connection, the database was closed) is
 * left out: the number does not forget, so that the next one sees what this one would have seen.
 */
export class WatchingFile implements ClosableWakeSource {
  readonly #executor: SqlExecutor
  readonly #clock: Clock
  readonly #subscribers = new Set<{ readonly wake: () => void }>()
  #planned: { readonly atMs: number; readonly cancel: () => void } | undefined
  /** The look that is under way. Never a second one: Kysely may keep it waiting. */
  #look: Promise<void> | undefined
  #pauseMs = FIRST_PAUSE_MS
  /** Those who were woken have until then to ask. */
  #restUntilMs = 0
  /** `undefined`: nothing was seen since somebody subscribed, so that something may have been missed. */
  #seen: { readonly version: unknown; readonly atMs: number } | undefined

  constructor(executor: SqlExecutor, clock: Clock = systemClock) {
    this.#executor = executor
    this.#clock = clock
  }

  subscribe(_key: string, wake: () => void): () => void {
    const subscriber = { wake }
    this.#subscribers.add(subscriber)
    // Whoever comes new waits for something that is going on now.
    this.#pauseMs = FIRST_PAUSE_MS
    this.#plan()
    return () => {
      this.#subscribers.delete(subscriber)
      if (this.#subscribers.size === 0) this.#stop()
    }
  }

  get isHearing(): boolean {
    return this.#seen !== undefined && this.#clock.nowMs() - this.#seen.atMs < DEAF_AFTER_MS
  }

  /** A file can always be looked at again: there is no trouble to tell of. */
  onTrouble(): () => void {
    return () => {}
  }

  async close(): Promise<void> {
    await this.#look
  }

  #stop(): void {
    this.#planned?.cancel()
    this.#planned = undefined
    this.#seen = undefined
  }

  /** Plans the next look, unless one is under way, nobody wants it, or an earlier one is planned: many subscribers put off nothing. */
  #plan(): void {
    if (this.#look !== undefined || this.#subscribers.size === 0) return
    const nowMs = this.#clock.nowMs()
    const atMs = Math.max(nowMs + this.#pauseMs, this.#restUntilMs)
    if (this.#planned !== undefined && this.#planned.atMs <= atMs) return
    this.#planned?.cancel()
    this.#planned = { atMs, cancel: this.#clock.after(atMs - nowMs, () => this.#startLook(), false) }
  }

  #startLook(): void {
    this.#planned = undefined
    this.#look = this.#lookOnce().finally(() => {
      this.#look = undefined
      this.#plan()
    })
  }

  async #lookOnce(): Promise<void> {
    let version: unknown
    try {
      const { rows } = await this.#executor.execute(DATA_VERSION, [])
      version = rows[0]?.data_version
    } catch {
      version = undefined
    }
    // Nobody is there any more: a later subscriber must not take this for something that it has seen itself.
    if (this.#subscribers.size === 0) return
    const hasChanged = version !== undefined && version !== this.#seen?.version
    this.#pauseMs = Math.min(this.#pauseMs * GROWTH, LONGEST_PAUSE_MS)
    if (version !== undefined) this.#seen = { version, atMs: this.#clock.nowMs() }
    if (hasChanged) this.#wakeAll()
  }

  #wakeAll(): void {
    const woken = [...this.#subscribers]
    this.#pauseMs = FIRST_PAUSE_MS
    this.#restUntilMs = this.#clock.nowMs() + woken.length * PAUSE_PER_WOKEN_MS
    for (const subscriber of woken) {
      // Who was woken before it may have ended its wait.
      if (this.#subscribers.has(subscriber)) subscriber.wake()
    }
  }
}
