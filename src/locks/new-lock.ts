import { resolveTtlUs, type Ttl } from '../duration.ts'
import { checkKey } from '../key.ts'
import { Lock } from './lock.ts'
import type { LockContext } from './lock-context.ts'
import { parseSerializedLock, type SerializedLock } from './serialized-lock.ts'

/** The TTL of a lock whose maker names none: long enough for most work, short enough to wait out after a crash. */
const DEFAULT_TTL: Ttl = '30s'

/** @throws LockError `E_INVALID_KEY`, `E_INVALID_DURATION` */
export function newLock(context: LockContext, key: string, ttl: Ttl = DEFAULT_TTL): Lock {
  checkKey(key)
  return new Lock(context, { key, owner: context.nextOwner(), ttlUs: resolveTtlUs(ttl) })
}

/** @throws LockError `E_INVALID_SERIALIZED_LOCK` */
export function restoredLock(context: LockContext, serialized: SerializedLock): Lock {
  const parsed = parseSerializedLock(serialized)
  return new Lock(context, parsed, parsed)
}
