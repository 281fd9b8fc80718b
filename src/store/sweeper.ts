import type { LockStore } from './lock-store.ts'
import { RETENTION_US } from './retention.ts'

/** Grants of this store between two looks for rows that can go. */
const GRANTS_BETWEEN_LOOKS = 250

/** What the sweeper has done by a store. */
export type SweepActions = Pick<LockStore, 'findOld' | 'removeOld'>

/**
 * Keeps the table from growing without bound: every so many grants it looks at one page of rows, going round and
 * round, and removes those that have been free for long. A look passes over more rows than were added since the one
 * before. Works in the background; trouble with the database is left to the calls that people wait for.
 */
export class Sweeper {
  readonly #actions: SweepActions
  #grantsLeft: number
  #afterKey = ''
  #sweeping: Promise<void> | undefined
  #endPause = () => {}

  /** @param chance spreads the first look, so that processes that live for a few grants only do their share, too */
  constructor(actions: SweepActions, chance: () => number = Math.random) {
    this.#actions = actions
    this.#grantsLeft = Math.ceil(chance() * GRANTS_BETWEEN_LOOKS)
  }

  /**
   * To be called after every grant. Costs a decrement.
   *
   * @param afterMs a grant in a transaction of the caller's is followed by a look when that has ended, since it may have the only
   * connection
   */
  granted(afterMs = 0): void {
    if (--this.#grantsLeft > 0) return
    this.#grantsLeft = GRANTS_BETWEEN_LOOKS
    this.#sweeping ??= this.#pause(afterMs)
      .then(() => this.#sweepPage())
      .catch(() => {})
      .finally(() => {
        this.#sweeping = undefined
      })
  }

  /** Waits for a sweep in progress. The store may be another factory's, too: it goes on sweeping for that one. */
  async close(): Promise<void> {
    this.#endPause()
    await this.#sweeping
  }

  /** Keeps no process alive, and is over when the store closes. */
  #pause(pauseMs: number): Promise<unknown> {
    if (pauseMs === 0) return Promise.resolve()
    return new Promise<void>((resolve) => {
      this.#endPause = resolve
      setTimeout(resolve, pauseMs).unref()
    })
  }

  async #sweepPage(): Promise<void> {
    const { portions, freeSinceUs, lastKey } = await this.#actions.findOld(this.#afterKey, RETENTION_US)
    this.#afterKey = lastKey ?? ''
    for (const keys of portions) await this.#actions.removeOld(keys, freeSinceUs)
  }
}
