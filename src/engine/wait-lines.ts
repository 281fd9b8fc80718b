import type { LeaseRequest } from '../store/lock-store.ts'
import { AsidePlace } from './aside-place.ts'
import { type Heir, LinePlace } from './line-place.ts'
import { LocalHolds } from './local-holds.ts'
import { type LineParts, WaitLine } from './wait-line.ts'
import type { Place, Waiting } from './waiting.ts'

/** This many times in a row a key is handed on inside this process while others want it; then they get their turn. */
const MOST_HAND_OVERS = 4

/** What a hold says about how it came about. */
export interface HandedHold {
  readonly key: string
  readonly handOvers: number
  readonly isWanted: boolean
}

/** The lines of one process, by key. A line exists while somebody is in it. */
export class WaitLines implements Waiting {
  readonly #parts: LineParts
  readonly #lines = new Map<string, WaitLine<LinePlace>>()

  constructor(parts: Omit<LineParts, 'holds'>) {
    this.#parts = { ...parts, holds: new LocalHolds(parts.timing.clock) }
  }

  enter(request: LeaseRequest, isAside: boolean): Place {
    const { key } = request
    if (isAside) return new AsidePlace(request, (grant) => this.#parts.holds.note(key, grant.deadlineMs))
    const line = this.#lines.get(key) ?? new WaitLine<LinePlace>(this.#parts, key)
    this.#lines.set(key, line)
    const place = new LinePlace(line, request, () => {
      if (line.isEmpty && this.#lines.get(key) === line) this.#lines.delete(key)
    })
    line.join(place)
    return place
  }

  /** The key may be free: it was released in this process, or lost. */
  freed(key: string): void {
    this.#parts.holds.forget(key)
    this.#lines.get(key)?.wake()
  }

  /** Who is next, if this release can hand the key over. The heir asks nobody until it is told what became of it. */
  heirOf({ key, handOvers, isWanted }: HandedHold): Heir | undefined {
    const next = this.#lines.get(key)?.first
    if (!next?.canBeServed) return undefined
    if (isWanted && handOvers >= MOST_HAND_OVERS) {
      next.yieldTurn()
      return undefined
    }
    return next.beginService()
  }

  /** Lines with somebody in them. */
  get size(): number {
    return this.#lines.size
  }
}
