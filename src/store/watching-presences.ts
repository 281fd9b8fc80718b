import { backoffMs, jittered } from '../backoff.ts'
import type { Chance, Clock } from '../clock.ts'
import type { WatchedKey } from '../dialects/dialect.ts'
import type { ClosableWakeSource, WakeSource, WakeupRecovery, WakeupTrouble } from './wake-source.ts'

/** What {@link WatchingPresences} is made of. */
export interface WatchingParts {
  /** What else hears of releases. */
  readonly others: WakeSource | undefined
  /** Asks the database about keys: those whose holder names a presence, each with whether it is gone. */
  readonly look: (keys: readonly string[]) => Promise<readonly WatchedKey[]>
  readonly clock: Clock
  readonly chance: Chance
}

/** Between two looks, while the holder of any key that is waited for names a presence. */
const WATCH_MS = 40
/** While none does: one may come. */
const IDLE_WATCH_MS = 250
const LONGEST_PAUSE_MS = 5_000
/** Keys of one look. With more, each look is about some of them. */
const MOST_AT_ONCE = 1_000

/** Wakes those who wait for a key when its holder is gone. One statement for all of them, and none while nobody waits. */
export class WatchingPresences implements ClosableWakeSource {
  readonly #parts: WatchingParts
  readonly #wakes = new Map<string, Set<{ readonly wake: () => void }>>()
  readonly #gone = new Set<string>()
  #isWatching = false
  #cancel = () => {}
  #failures = 0
  #from = 0

  constructor(parts: WatchingParts) {
    this.#parts = parts
  }

  get isHearing(): boolean {
    return this.#parts.others?.isHearing ?? false
  }

  onTrouble(listener: (trouble: WakeupTrouble) => void): () => void {
    return this.#parts.others?.onTrouble(listener) ?? (() => {})
  }

  onRecovery(listener: (recovery: WakeupRecovery) => void): () => void {
    return this.#parts.others?.onRecovery?.(listener) ?? (() => {})
  }

  subscribe(key: string, wake: () => void): () => void {
    const unsubscribe = this.#parts.others?.subscribe(key, wake)
    const subscriber = { wake }
    const ofKey = this.#wakes.get(key) ?? new Set()
    this.#wakes.set(key, ofKey.add(subscriber))
    if (!this.#isWatching) this.#watchAfter(WATCH_MS)
    return () => {
      unsubscribe?.()
      if (!ofKey.delete(subscriber) || ofKey.size > 0) return
      this.#wakes.delete(key)
      this.#gone.delete(key)
      if (this.#wakes.size === 0) this.#stop()
    }
  }

  /** Somebody waits for it: what there is to know of its holder will be told. */
  isWatching(key: string): boolean {
    return this.#wakes.has(key)
  }

  /** Whether the latest look found that the holder of the key is gone. Told once. */
  takeGone(key: string): boolean {
    return this.#gone.delete(key)
  }

  async close(): Promise<void> {
    if (this.#wakes.size === 0) this.#stop()
  }

  #stop(): void {
    this.#isWatching = false
    this.#cancel()
  }

  #watchAfter(ms: number): void {
    this.#isWatching = true
    this.#cancel = this.#parts.clock.after(ms, () => void this.#look(), false)
  }

  async #look(): Promise<void> {
    const { look, chance } = this.#parts
    let pauseMs: number
    try {
      const found = await look(this.#nextKeys())
      this.#failures = 0
      pauseMs = found.length > 0 ? WATCH_MS : IDLE_WATCH_MS
      for (const { key, isGone } of found) if (isGone) this.#holderIsGone(key)
    } catch {
      // Trouble with that is no trouble: waiters ask by themselves, too.
      pauseMs = backoffMs(++this.#failures, IDLE_WATCH_MS, LONGEST_PAUSE_MS, chance)
    }
    if (this.#isWatching) this.#watchAfter(jittered(pauseMs, chance))
  }

  #nextKeys(): string[] {
    const keys = [...this.#wakes.keys()]
    if (keys.length <= MOST_AT_ONCE) return keys
    this.#from = this.#from >= keys.length ? 0 : this.#from
    const some = keys.slice(this.#from, this.#from + MOST_AT_ONCE)
    this.#from += MOST_AT_ONCE
    return some
  }

  #holderIsGone(key: string): void {
    const subscribers = this.#wakes.get(key)
    if (!subscribers) return
    this.#gone.add(key)
    for (const { wake } of [...subscribers]) wake()
  }
}
