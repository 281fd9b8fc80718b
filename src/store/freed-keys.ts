/** As many as this are no burden; what was forgotten costs a few microseconds once. */
const MOST_KEYS = 10_000

/** Keys that this process gave back last, so that their rows are there, and free unless somebody came. A guess: what the database says counts. */
export class FreedKeys {
  readonly #keys = new Set<string>()

  add(key: string): void {
    if (this.#keys.size >= MOST_KEYS) this.#keys.clear()
    this.#keys.add(key)
  }

  /** Whether it is one of them, for whoever tries to take it: from then on it is not. */
  take(key: string): boolean {
    return this.#keys.delete(key)
  }
}
