import type { LeaseRequest, TryOutcome } from '../store/lock-store.ts'
import type { Grant } from './grant.ts'
import type { Place } from './waiting.ts'

/** The place of one who tries once: beside the line, since it does not wait. */
export class AsidePlace implements Place {
  readonly request: LeaseRequest
  readonly isFirst = true
  wasRefused = false
  readonly #won: (grant: Grant) => void

  constructor(request: LeaseRequest, won: (grant: Grant) => void) {
    this.request = request
    this.#won = won
  }

  async isFirstWithin(): Promise<boolean> {
    return true
  }

  knownObstacle(): undefined {}

  beginTry(): void {}

  heard(outcome: TryOutcome): void {
    this.wasRefused ||= !outcome.granted
  }

  /** There is no second try. */
  renameAttempt(): void {}

  async untilMaybeFree(): Promise<undefined> {}

  fail(): void {}

  leave(grant?: Grant): void {
    if (grant) this.#won(grant)
  }
}
