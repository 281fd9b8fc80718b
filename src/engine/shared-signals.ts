import { SharedSignal } from './shared-signal.ts'

/** The signals of callers: many calls can have the same one, such as that of a server which shuts down. */
export class SharedSignals {
  readonly #known = new WeakMap<AbortSignal, SharedSignal>()

  of(signal: AbortSignal): SharedSignal {
    const known = this.#known.get(signal)
    if (known) return known
    const shared = new SharedSignal(signal)
    this.#known.set(signal, shared)
    return shared
  }
}
