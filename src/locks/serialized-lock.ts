import { describeValue } from '../describe-value.ts'
import { resolveTtlUs } from '../duration.ts'
import { errors } from '../errors.ts'
import { checkKey } from '../key.ts'
import { isStorableText } from '../options.ts'
import type { HeldLease } from './held-lease.ts'

/**
 * A lock on its way to another process: plain JSON. Whoever has it can release and extend the lock, so treat it as a
 * secret, like a session cookie.
 */
export interface SerializedLock {
  /** The key of the lock. */
  readonly key: string
  /** The bearer secret that proves ownership. */
  readonly owner: string
  /** Milliseconds, or `null` for never. */
  readonly ttl: number | null
  /** When the lease ends, in milliseconds since the epoch by the **database's** clock; `null`: never, or not held. */
  readonly expirationTime: number | null
  /** The fencing token of the hold; `null`: not held when it was serialized. Missing in locks serialized by Verrou. */
  readonly token?: number | null
}

/** A hold as plain JSON. From here on the hold is somebody else's, too. */
export function serializeLease(held: HeldLease, ttlUs: number | null): SerializedLock {
  held.isShared = true
  return {
    key: held.key,
    owner: held.owner,
    ttl: ttlUs === null ? null : ttlUs / 1000,
    expirationTime: held.expiresAtUs === null ? null : Math.floor(held.expiresAtUs / 1000),
    token: held.token,
  }
}

/** A serialized lock after validation. */
export interface ParsedLock {
  readonly key: string
  readonly owner: string
  readonly ttlUs: number | null
  readonly expiresAtUs: number | null
  readonly token: number | null
}

/** Room for owner ids of other makers; ours have 22 bytes. */
const LONGEST_OWNER_BYTES = 255

/** @throws LockError `E_INVALID_SERIALIZED_LOCK`, naming the field; the owner is never repeated in the message */
export function parseSerializedLock(given: unknown): ParsedLock {
  const { key, owner, ttl, expirationTime, token } = fieldsOf(given)
  if (!isStorableText(owner, LONGEST_OWNER_BYTES)) throw malformed('has no valid `owner`')
  if (!isMoment(expirationTime)) {
    throw malformed(`needs an \`expirationTime\` in ms, or null; got ${describeValue(expirationTime)}`)
  }
  if (!isToken(token)) {
    throw malformed(`needs a \`token\` that is a positive integer, null, or left out; got ${describeValue(token)}`)
  }
  try {
    checkKey(key)
    const ttlUs = resolveTtlUs(ttl as number | null)
    const expiresAtUs = expirationTime === null ? null : Math.round(expirationTime * 1000)
    return { key, owner, ttlUs, expiresAtUs, token: token ?? null }
  } catch (error) {
    throw new errors.E_INVALID_SERIALIZED_LOCK(`the serialized lock is malformed: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

/** Each read once, so that what is checked is what is used. */
function fieldsOf(given: unknown): Record<keyof SerializedLock, unknown> {
  try {
    if (typeof given === 'object' && given !== null && !Array.isArray(given)) {
      const { key, owner, ttl, expirationTime, token } = given as Record<keyof SerializedLock, unknown>
      return { key, owner, ttl, expirationTime, token }
    }
  } catch (cause) {
    throw malformed('cannot be read', cause)
  }
  // Only what it is, not what is in it: JSON text of a lock contains its secret.
  const got = typeof given === 'string' ? 'a string (parse it first)' : describeValue(given)
  throw malformed(`must be the object that \`serialize()\` returned; got ${got}`)
}

function isMoment(value: unknown): value is number | null {
  // Up to here, microseconds are still finite.
  return value === null || (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER)
}

function isToken(value: unknown): value is number | null | undefined {
  return value === null || value === undefined || (Number.isSafeInteger(value) && (value as number) > 0)
}

function malformed(rule: string, cause?: unknown): Error {
  return new errors.E_INVALID_SERIALIZED_LOCK(`the serialized lock ${rule}`, cause === undefined ? {} : { cause })
}
