import { quoted } from '../describe-value.ts'
import type { ErrorMeaning } from '../dialects/dialect.ts'
import { driverText } from '../dialects/error-codes.ts'
import { errors, type LockError } from '../errors.ts'

/** The error for what a statement met on a transaction of the caller's. Nothing is repeated there. */
export function transactionError(meaning: ErrorMeaning, key: string | undefined, cause: unknown): LockError {
  const options = { ...(cause === undefined ? {} : { cause }), details: key === undefined ? {} : { key } }
  const of = key === undefined ? '' : ` of ${quoted(key)}`
  switch (meaning) {
    case 'transient':
    case 'stale':
      return new errors.E_TRANSACTION_CONFLICT(
        `the lock${of} met another transaction${said(cause) || ', which has taken it since this one looked'}; roll back, and run the whole transaction again`,
        options,
      )
    case 'read-only':
      return new errors.E_TRANSACTION_READ_ONLY(
        `the transaction is read-only, and a lock has to write${said(cause)}; begin it as one that may write`,
        options,
      )
    case 'transaction-failed':
      return new errors.E_TRANSACTION_FAILED(
        `the transaction has failed before${said(cause)}; roll back: its first error tells why`,
        options,
      )
    default:
      return new errors.E_LOCK_STORAGE_ERROR(`the database could not answer${said(cause)}`, {
        ...options,
        details: { ...options.details, kind: meaning },
      })
  }
}

function said(cause: unknown): string {
  return cause instanceof Error && cause.message !== '' ? `: ${driverText(cause.message)}` : ''
}
