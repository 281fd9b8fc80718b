/** Tells whoever leads connections to a database that they now go elsewhere. */
export class MoveListeners {
  readonly #listeners: (() => void)[] = []

  readonly onMoved = (listener: () => void): void => {
    this.#listeners.push(listener)
  }

  moved(): void {
    for (const listener of this.#listeners) listener()
  }
}
