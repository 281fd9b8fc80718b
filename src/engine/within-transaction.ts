import { jittered } from '../backoff.ts'
import type { LeaseRequest, TransactionStore } from '../store/lock-store.ts'
import type { Trying } from './acquire.ts'
import { AsidePlace } from './aside-place.ts'
import type { Timing } from './ask.ts'
import { type Bounds, pause } from './bounds.ts'
import type { GiveBack } from './give-back.ts'
import type { Obstacle, PauseWish, Waiting } from './waiting.ts'

/** Transactions are short: one that has a row locked is looked at again after this time at the latest. */
const ROW_LOCK_MS = 20

/**
 * Waiting with a transaction open: only for what the transaction can see, and only in an order that has no deadlocks. Nobody
 * stands in line: every transaction has to ask for itself.
 */
export function waitingWithin(store: TransactionStore, timing: Timing): Waiting {
  return { enter: (request) => new TransactionPlace(store, timing, request) }
}

class TransactionPlace extends AsidePlace {
  readonly #store: TransactionStore
  readonly #timing: Timing

  constructor(store: TransactionStore, timing: Timing, request: LeaseRequest) {
    super(request, () => {})
    this.#store = store
    this.#timing = timing
  }

  override async untilMaybeFree(
    { mostMs, isCounted }: PauseWish,
    obstacle: Obstacle,
    bounds: Bounds,
  ): Promise<undefined> {
    const { clock, chance } = this.#timing
    const { freeInMs, isRowLocked } = obstacle
    await bounds.race(this.#store.checkWaiting(this.request.key, isRowLocked))
    const longestMs = isRowLocked ? Math.min(mostMs, ROW_LOCK_MS) : mostMs
    const pauseMs = isCounted ? longestMs : jittered(longestMs, chance)
    await pause(clock, freeInMs === null ? pauseMs : Math.min(pauseMs, freeInMs), bounds)
    return undefined
  }
}

/**
 * Tries at a lock until commit, for the one loop. Nothing is ever given back: the transaction ends it. But a try whose
 * caller has gone must not go on: the transaction may have ended, and its connection be somebody else's.
 */
export function tryingUntilCommit(store: TransactionStore, timing: Timing): Trying {
  return {
    store: { tryAcquire: ({ key, attempt }) => store.tryLockUntilCommit(key, attempt) },
    timing,
    waiting: waitingWithin(store, timing),
    giveBack: {
      abandon() {},
      abandonUnheard() {},
      abandonLate({ attempt }, answer) {
        store.stop(attempt)
        ignore(answer)
      },
      expectLate: ignore,
      repeatRelease() {},
      async settle() {},
    },
  }
}

/**
 * Giving back on a transaction: now or never. Later the transaction has ended, and its connection is somebody else's. What
 * is sent now comes before anything that the caller sends next, so before the commit.
 */
export function giveBackWithin(store: TransactionStore): GiveBack {
  const abandonAtOnce = ({ key, attempt }: { key: string; attempt: string }) => store.abandonAtOnce(key, attempt)
  return {
    abandon: abandonAtOnce,
    abandonUnheard: abandonAtOnce,
    abandonLate(request, answer) {
      abandonAtOnce(request)
      ignore(answer)
    },
    expectLate: ignore,
    repeatRelease() {},
    async settle() {},
  }
}

/** The caller has gone; nobody else must stumble over it. */
function ignore(answer: Promise<unknown>): void {
  answer.catch(() => {})
}
