import type { AbortSource } from './abort-source.ts'

/** Ends every call of a factory that is closed. Each call listens, and a real signal would take longer for that than for the rest of the call. */
export class Closing implements AbortSource {
  readonly #listeners = new Set<() => void>()
  #reason: unknown
  #isAborted = false

  get aborted(): boolean {
    return this.#isAborted
  }

  get reason(): unknown {
    return this.#reason
  }

  throwIfAborted(): void {
    if (this.#isAborted) throw this.#reason
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener)
  }

  /** Tells all that listen, once. */
  abort(reason: unknown): void {
    if (this.#isAborted) return
    this.#isAborted = true
    this.#reason = reason
    for (const listener of [...this.#listeners]) listener()
  }
}
