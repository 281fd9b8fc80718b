import type { LeaseRequest, TryOutcome } from '../store/lock-store.ts'
import type { Bounds } from './bounds.ts'
import type { Grant } from './grant.ts'

/** What is in the way of a try. */
export interface Obstacle {
  /** When the lease in the way ends by itself; `null`: never, or not known. */
  readonly freeInMs: number | null
  /** Another transaction, or a statement at that moment, has the row locked. */
  readonly isRowLocked: boolean
  /** The holder is in this process: its release will be told. */
  readonly isInThisProcess?: boolean
}

/** How long a waiter may pause. */
export interface PauseWish {
  /** The longest pause that the caller accepts; if its tries are counted: the time until the next one is due. */
  readonly mostMs: number
  /** Its tries are counted: it would rather not use them up by asking often. */
  readonly isCounted: boolean
}

/**
 * The seam where waiting happens. Waking up is only a hint: whoever is woken asks the store again, which alone decides.
 * Waking too early costs one refused try; too late costs the waiter time.
 */
export interface Waiting {
  /**
   * Joins those in this process who wait for the key, at the end of their line.
   *
   * @param isAside it will not wait: it asks at once, and is in nobody's way
   */
  enter(request: LeaseRequest, isAside: boolean): Place
}

/** A place in the line of a key. Only the first one asks the store; when it leaves, the next one is first. */
export interface Place {
  /** What is asked of the store. Its `attempt` changes when an earlier sending may still be carried out unheard. */
  readonly request: LeaseRequest
  /** Whether it is this one's turn to ask. From then on until it leaves. */
  readonly isFirst: boolean
  /** Whether the store has said, to anybody in the line, that somebody holds the key. */
  readonly wasRefused: boolean
  /**
   * Waits until this one is first, or until `mostMs` have passed and the key is known to be held.
   *
   * @returns whether it is first
   * @throws what {@link fail} told those who wait
   */
  isFirstWithin(mostMs: number, bounds: Bounds): Promise<boolean>
  /** What the line knows without asking: the one that was first has been granted the key, and has not released it. */
  knownObstacle(): Obstacle | undefined
  /** To be called right before a try: what woke it up until now has been heeded. */
  beginTry(): void
  /** To be called with the answer. */
  heard(outcome: TryOutcome): void
  /** What was sent under the present name of the attempt may be carried out late: the tries from here on go by another. */
  renameAttempt(): void
  /**
   * Comes back when the key may be free.
   *
   * @returns the grant, if the one that released it has handed the key over
   */
  untilMaybeFree(wish: PauseWish, obstacle: Obstacle, bounds: Bounds): Promise<Grant | undefined>
  /** The store could not be asked for a long time: those who wait behind this one need not find out one by one. */
  fail(error: Error): void
  /** Leaves the line, with the grant or without. Harmless when called twice. */
  leave(grant?: Grant): void
}
