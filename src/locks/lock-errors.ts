import { quoted } from '../describe-value.ts'
import { errors } from '../errors.ts'

/** The key is not held by whoever wants to release or extend it. */
export function notOwnedError(key: string) {
  return new errors.E_LOCK_NOT_OWNED(`the lock on ${quoted(key)} is not held by this Lock object`, {
    details: { key },
  })
}

/** It ends with the presence of this process: another one that had it would lose it without hearing of that. */
export function notTransferableError(key: string) {
  return new errors.E_NOT_TRANSFERABLE(
    `the lock on ${quoted(key)} cannot be handed to another process: it ends with the presence of this one; take it from a store without \`presence\`, or within a transaction`,
    { details: { key } },
  )
}
