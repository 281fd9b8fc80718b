import type { CallerTransaction, TransactionLike } from '../caller-transaction.ts'
import { errors } from '../errors.ts'
import { kyselyTransaction } from '../executors/kysely.ts'
import { invalidOption } from '../options.ts'

/**
 * A transaction of Kysely, or what a `from…` function has made of another library's.
 *
 * @throws LockError `E_INVALID_OPTION`
 */
export function asCallerTransaction(given: TransactionLike): CallerTransaction {
  const { execute, handle, isTransaction } = (given ?? {}) as unknown as Record<string, unknown>
  // A transaction of Knex is a function.
  const isHandle = typeof handle === 'function' || (typeof handle === 'object' && handle !== null)
  if (typeof execute === 'function' && isHandle) return given as CallerTransaction
  if (isTransaction === true) return kyselyTransaction(given as Parameters<typeof kyselyTransaction>[0])
  if (isTransaction === false) {
    const rule = 'a transaction: the `trx` of `db.transaction().execute(async (trx) => …)`'
    throw new errors.E_INVALID_OPTION(`\`transaction\` must be ${rule}; got the Kysely instance itself`)
  }
  const rule = 'a Transaction of Kysely, or what a from…() function of verrou-sql/adapters/… returns'
  throw invalidOption('transaction', rule, given, hintFor(given))
}

function hintFor(given: unknown): string {
  const couldBeTransaction = typeof given === 'function' || (typeof given === 'object' && given !== null)
  return couldBeTransaction ? '; wrap it first: `fromKnex(trx)` of verrou-sql/adapters/knex, for example' : ''
}
