import { quoted } from '../describe-value.ts'
import { errors } from '../errors.ts'

/** The key is not held by whoever wants to release or extend it. */
export function notOwnedError(key: string) {
  return new errors.E_LOCK_NOT_OWNED(`the lock on ${quoted(key)} is not held by this Lock object`, {
    details: { key },
  })
}
