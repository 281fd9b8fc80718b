import type { WakeSource } from './wake-source.ts'

/** Wakes within this process: for a store that nobody else can reach. */
export class LocalWakeSource implements WakeSource {
  readonly isHearing = true
  readonly #wakes = new Map<string, Set<() => void>>()

  subscribe(key: string, wake: () => void): () => void {
    const wakes = this.#wakes.get(key) ?? new Set()
    this.#wakes.set(key, wakes.add(wake))
    return () => {
      wakes.delete(wake)
      if (wakes.size === 0 && this.#wakes.get(key) === wakes) this.#wakes.delete(key)
    }
  }

  /** Keys that somebody waits for. */
  get size(): number {
    return this.#wakes.size
  }

  onTrouble(): () => void {
    return () => {}
  }

  /** The key may be free. */
  wake(key: string): void {
    for (const wake of [...(this.#wakes.get(key) ?? [])]) queueMicrotask(wake)
  }
}
