import type { HoldEvent } from '../locks/lock-events.ts'

/** Something for each hold that has begun and has not ended. */
export class OpenHolds<Item> {
  readonly #items = new Map<string, Item>()

  /** Of other holds it is not told how they end. */
  static hasEnd({ kind, isUncommitted }: HoldEvent): boolean {
    return kind !== 'until-commit' && !isUncommitted
  }

  begin(hold: HoldEvent, item: Item): void {
    this.#items.set(nameOf(hold), item)
  }

  of(hold: HoldEvent): Item | undefined {
    return this.#items.get(nameOf(hold))
  }

  /** @returns what there was for it; `undefined`: it has not begun here, or has ended before */
  end(hold: HoldEvent): Item | undefined {
    const item = this.of(hold)
    this.#items.delete(nameOf(hold))
    return item
  }

  all(): Item[] {
    return [...this.#items.values()]
  }
}

/** A session lock has no token, but a key has one at a time. */
function nameOf({ kind, token, key }: HoldEvent): string {
  return `${kind} ${token} ${key}`
}
