import { errors } from '../errors.ts'
import { checkOptions, invalidOption } from '../options.ts'

/** Options of `createLock` for a lock that is no lease. */
export interface SessionLockOptions {
  /**
   * `session`: held by a database session of this process instead of a lease, until it is released or the session ends. No TTL, no fencing token, no
   * table. Postgres, MySQL and MariaDB.
   */
  readonly strategy: 'session'
}

/** Whether options were given in place of a TTL. What cannot be read is no TTL, either, and is refused as one. */
export function isStrategy(given: unknown): given is SessionLockOptions {
  try {
    return typeof given === 'object' && given !== null && 'strategy' in given
  } catch {
    return false
  }
}

/** @throws LockError `E_INVALID_OPTION` */
export function checkSessionOptions(given: SessionLockOptions): void {
  if ('ttl' in given) {
    throw invalidOption('ttl', 'left out with `strategy`: a session lock lasts as long as its session', given.ttl)
  }
  checkOptions('options', given, ['strategy'])
  if (given.strategy !== 'session') {
    throw invalidOption('strategy', "'session'; a lease is `createLock(key, ttl)`", given.strategy)
  }
}

/** In a transaction of the caller's. @throws LockError `E_UNSUPPORTED` */
export function refuseSession(given: unknown): void {
  if (!isStrategy(given)) return
  throw new errors.E_UNSUPPORTED(
    'a session lock belongs to no transaction; use `within(trx).lockUntilCommit(key)`, which ends with it, or `verrou.createLock(key, { strategy: "session" })`',
  )
}
