import type { SessionName } from '../dialects/session-dialect.ts'
import type { WakeSource } from './wake-source.ts'

/** What {@link SessionWakes} are made of. */
export interface SessionWakesParts {
  /** What the server knows the key by; `undefined`: nothing was ever asked. */
  readonly nameOf: (key: string) => SessionName | undefined
  /** Whether releases by other processes are heard. */
  readonly isHearing: () => boolean
  /** Nobody waits for it any more. */
  readonly deserted: (name: SessionName) => void
}

/** Wakes those who wait for a session lock, by the name that the server has for it. */
export class SessionWakes implements WakeSource {
  readonly #parts: SessionWakesParts
  readonly #wakes = new Map<string, Set<{ readonly wake: () => void }>>()

  constructor(parts: SessionWakesParts) {
    this.#parts = parts
  }

  get isHearing(): boolean {
    return this.#parts.isHearing()
  }

  /** Names that somebody waits for. */
  get size(): number {
    return this.#wakes.size
  }

  hasSubscribers(lock: string): boolean {
    return this.#wakes.has(lock)
  }

  subscribe(key: string, wake: () => void): () => void {
    const name = this.#parts.nameOf(key)
    // Who waits was refused before, so there is a name; if not, it polls.
    if (!name) return () => {}
    const { lock } = name
    const subscriber = { wake }
    const ofName = this.#wakes.get(lock) ?? new Set()
    this.#wakes.set(lock, ofName.add(subscriber))
    return () => {
      if (!ofName.delete(subscriber) || ofName.size > 0) return
      this.#wakes.delete(lock)
      this.#parts.deserted(name)
    }
  }

  /** Without a connection, a try says so. */
  onTrouble(): () => void {
    return () => {}
  }

  /** It may be free; `undefined`: anything may be. */
  wake(lock: string | undefined): void {
    const woken = lock === undefined ? [...this.#wakes.values()] : [this.#wakes.get(lock) ?? []]
    for (const ofName of woken) for (const { wake } of [...ofName]) queueMicrotask(wake)
  }
}
