import type { LeaseRequest } from './lock-store.ts'
import { NameEntry, type NameRequest } from './name-entry.ts'

/** Who in this process has which name. One at a time. */
export class LocalNames {
  readonly #byLock = new Map<string, NameEntry>()
  readonly #byToken = new Map<number, NameEntry>()
  #lastToken = 0

  get size(): number {
    return this.#byLock.size
  }

  of(lock: string | undefined): NameEntry | undefined {
    return lock === undefined ? undefined : this.#byLock.get(lock)
  }

  held(token: number): NameEntry | undefined {
    const entry = this.#byToken.get(token)
    return entry?.isHeld ? entry : undefined
  }

  add(request: NameRequest): NameEntry {
    const entry = new NameEntry(request, ++this.#lastToken)
    this.#byLock.set(entry.name.lock, entry)
    this.#byToken.set(entry.token, entry)
    return entry
  }

  /** Another grant: the old hold means nothing from here on. */
  handOver(entry: NameEntry, { owner, attempt }: LeaseRequest): void {
    this.#byToken.delete(entry.token)
    Object.assign(entry, { owner, attempt, token: ++this.#lastToken, onLoss: undefined })
    this.#byToken.set(entry.token, entry)
  }

  delete(entry: NameEntry): void {
    if (this.#byLock.get(entry.name.lock) === entry) this.#byLock.delete(entry.name.lock)
    this.#byToken.delete(entry.token)
  }

  /** @returns whom to tell */
  loseAll(): (() => void)[] {
    const all = [...this.#byLock.values()]
    this.#byLock.clear()
    this.#byToken.clear()
    for (const entry of all) {
      entry.isLost = true
      entry.isHeld = false
      entry.settle()
    }
    return all.flatMap(({ onLoss }) => onLoss ?? [])
  }
}
