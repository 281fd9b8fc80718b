import type { LeaseRequest, TryOutcome } from '../store/lock-store.ts'
import type { Grant } from './grant.ts'
import type { Place } from './waiting.ts'

/** The place of one who does not stand in line: since it tries once, or since nobody can ask on its behalf. */
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

  /** There is no second try, or nothing is ever sent unheard. */
  renameAttempt(): void {}

  async untilMaybeFree(..._given: Parameters<Place['untilMaybeFree']>): Promise<Grant | undefined> {
    return undefined
  }

  fail(): void {}

  leave(grant?: Grant): void {
    if (grant) this.#won(grant)
  }
}
