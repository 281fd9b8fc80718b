import { DatabaseClock } from '../engine/database-clock.ts'
import { BackgroundGiveBack } from '../engine/give-back.ts'
import { handingOver } from '../engine/hand-over.ts'
import { WaitLines } from '../engine/wait-lines.ts'
import { errors } from '../errors.ts'
import type { ResolvedRetry } from '../options.ts'
import type { SessionStore } from '../store/lock-store.ts'
import { HeldSession } from './held-session.ts'
import { HoldRegistry } from './hold-registry.ts'
import type { LeaseWish, LockContext } from './lock-context.ts'
import { watchedAcquire } from './watched-acquire.ts'

/** What the session locks of one factory share: what its leases share, with another store. */
export interface SessionContext extends LockContext {
  readonly session: SessionStore
  readonly giveBack: BackgroundGiveBack
}

/** @throws LockError `E_UNSUPPORTED` for a store without them */
export function sessionContextOf(factory: LockContext): SessionContext {
  const { session } = factory.rootStore
  if (!session) {
    throw new errors.E_UNSUPPORTED(
      'this store has no session locks; they need Postgres, MySQL or MariaDB, through `pgStore`, `mysqlStore`, or `kyselyStore` with its option `pool`; use a lease, `createLock(key, ttl)`',
    )
  }
  const { timing } = factory.engine
  const giveBack = new BackgroundGiveBack(session, timing, (key) => lines.freed(key))
  const lines = new WaitLines({ store: session, timing, giveBack })
  return {
    ...factory,
    ...{ session, giveBack },
    engine: {
      ...{ store: session, timing, waiting: lines, giveBack },
      handingOver: handingOver({ store: session, timing, giveBack, lines }),
    },
    keepAlive: undefined,
    holds: new HoldRegistry(timing.clock),
    databaseClock: new DatabaseClock(timing.clock),
    checked: new Set(),
    running: new Map(),
    reporter: factory.reporter.of('session'),
  }
}

/** Wins the lock, and hears of the end of its session. @returns `null` when it was not granted in time */
export async function takeSession(
  context: SessionContext,
  wish: LeaseWish,
  retry: ResolvedRetry,
  signal?: AbortSignal,
): Promise<HeldSession | null> {
  const { engine, holds, session, heldBy, closing, signals, reporter } = context
  const request = { ...wish, attempt: context.nextAttempt(), heldBy }
  const grant = await watchedAcquire(engine, request, retry, reporter, closing, signal && signals.of(signal))
  if (!grant) return null
  const held = new HeldSession(wish.key, wish.owner, grant, engine.timing.clock, context.databaseClock, reporter)
  holds.add(held)
  session.onLoss(held, () => {
    held.end('lost')
    holds.delete(held)
    engine.handingOver?.freed(held.key)
  })
  return held
}
