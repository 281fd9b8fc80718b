import type { TransactionStore } from '../store/lock-store.ts'
import type { Trying } from './acquire.ts'
import type { Timing } from './ask.ts'
import type { GiveBack } from './give-back.ts'
import { polling, type Waiting } from './waiting.ts'

/** Transactions are short: one that has a row locked is looked at again after this time at the latest. */
const ROW_LOCK_MS = 20

/** Waiting with a transaction open: only for what the transaction can see, and only in an order that has no deadlocks. */
export function waitingWithin(store: TransactionStore, timing: Timing): Waiting {
  const polls = polling(timing)
  return {
    async untilMaybeFree(key, mostMs, obstacle, bounds) {
      await bounds.race(store.checkWaiting(key, obstacle.isRowLocked))
      const longestMs = obstacle.isRowLocked ? Math.min(mostMs, ROW_LOCK_MS) : mostMs
      await polls.untilMaybeFree(key, longestMs, obstacle, bounds)
    },
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
