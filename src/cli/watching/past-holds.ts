import type { EndedHold } from './ended-holds.ts'

const MOST_OF_A_KEY = 20
const MOST_KEYS = 20_000

/** The last holds of each key that were seen to end. */
export class PastHolds {
  readonly #byKey = new Map<string, EndedHold[]>()

  add(hold: EndedHold): void {
    const earlier = this.#byKey.get(hold.key) ?? []
    // Put at the end: the first key is the one that has been quiet for longest.
    this.#byKey.delete(hold.key)
    this.#byKey.set(hold.key, [hold, ...earlier].slice(0, MOST_OF_A_KEY))
    if (this.#byKey.size > MOST_KEYS) this.#byKey.delete(this.#byKey.keys().next().value as string)
  }

  /** Latest first. */
  of(key: string): readonly EndedHold[] {
    return this.#byKey.get(key) ?? []
  }
}
