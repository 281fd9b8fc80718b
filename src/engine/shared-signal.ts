import type { AbortSource } from './abort-source.ts'

/**
 * One listener on a signal, for any number of calls that listen. A signal itself compares each new listener with all that it has:
 * 20,000 waiters lining up kept a process from doing anything else for seconds. Nothing stays on the signal when nobody listens.
 */
export class SharedSignal implements AbortSource {
  readonly #signal: AbortSignal
  readonly #listeners = new Set<() => void>()
  readonly #onAbort = () => {
    for (const listener of this.#listeners) listener()
  }

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  get aborted(): boolean {
    return this.#signal.aborted
  }

  get reason(): unknown {
    return this.#signal.reason
  }

  throwIfAborted(): void {
    this.#signal.throwIfAborted()
  }

  addEventListener(type: 'abort', listener: () => void): void {
    if (this.#listeners.size === 0) this.#signal.addEventListener(type, this.#onAbort)
    this.#listeners.add(listener)
  }

  removeEventListener(type: 'abort', listener: () => void): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return
    this.#signal.removeEventListener(type, this.#onAbort)
  }
}
