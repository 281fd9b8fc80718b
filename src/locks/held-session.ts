import type { Clock } from '../clock.ts'
import { quoted } from '../describe-value.ts'
import type { DatabaseClock } from '../engine/database-clock.ts'
import type { Grant } from '../engine/grant.ts'
import { errors } from '../errors.ts'
import { HeldLease } from './held-lease.ts'
import type { LossReason } from './lock-events.ts'
import type { Reporter } from './reporter.ts'

/** One hold of a session lock: it has no end, until it is released or its session ends. */
export class HeldSession extends HeldLease {
  constructor(
    key: string,
    owner: string,
    grant: Grant,
    clock: Clock,
    databaseClock: DatabaseClock,
    reporter?: Reporter,
  ) {
    super({ key, owner, ttlUs: null, ...grant, expiresAtUs: null }, clock, databaseClock, reporter)
  }

  protected override lossReason(): LossReason {
    return 'session-ended'
  }

  override lossError(options: { result?: unknown } = {}) {
    return new errors.E_LOCK_LOST(
      `the database session that held the lock on ${quoted(this.key)} ended before the work did`,
      { details: { key: this.key }, ...options },
    )
  }
}
