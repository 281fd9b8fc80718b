import type { KyselyTransactionLike } from '../caller-transaction.ts'
import { ask } from '../engine/ask.ts'
import { boundsOf } from '../engine/bounds.ts'
import { invalidOption } from '../options.ts'
import type { TransactionStore } from '../store/lock-store.ts'
import type { HeldLease } from './held-lease.ts'
import type { LockContext } from './lock-context.ts'

/** Something that runs a function in a transaction: a Kysely instance, or `db.transaction()` with settings of its own. */
export type TransactionStarter<Transaction extends KyselyTransactionLike> =
  | { transaction(): RunsInTransaction<Transaction> }
  | RunsInTransaction<Transaction>

/** What `db.transaction()` of Kysely returns. */
export interface RunsInTransaction<Transaction extends KyselyTransactionLike> {
  /** Begins, calls, and commits or rolls back. */
  execute<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result>
}

/** The work of {@link Lock.transaction}. */
export type TransactionWork<Transaction, Result> = (transaction: Transaction) => Result | Promise<Result>

/**
 * Checks the hold in the transaction, and keeps it ours until that ends.
 *
 * @throws LockError `E_LOCK_LOST`, and what the transaction store throws
 */
export async function guardLease(
  { engine: { timing } }: LockContext,
  store: TransactionStore,
  held: HeldLease,
): Promise<void> {
  const { clock } = timing
  // Before the statement: from the moment that the row is locked, extensions meet the guard.
  held.isGuarded = true
  const isCurrent = await ask(() => store.guard(held), timing, boundsOf(clock, Number.POSITIVE_INFINITY))
  if (isCurrent) return
  held.end('lost')
  throw held.lossError()
}

/**
 * Begins a transaction of Kysely, guards it, does the work in it, and commits.
 *
 * @throws LockError `E_INVALID_OPTION`, and what the guard throws; whatever the work throws
 */
export async function guardedTransaction<Transaction extends KyselyTransactionLike, Result>(
  starter: TransactionStarter<Transaction>,
  guard: (transaction: Transaction) => Promise<void>,
  work: TransactionWork<Transaction, Result>,
): Promise<Result> {
  if (typeof work !== 'function') throw invalidOption('work', 'a function', work)
  if (!isStarter(starter)) throw invalidOption('starter', 'a Kysely instance, or its `db.transaction()`', starter)
  const builder = 'transaction' in starter ? starter.transaction() : starter
  return builder.execute(async (transaction) => {
    await guard(transaction)
    return work(transaction)
  })
}

/** Whether the value can be a {@link TransactionStarter}. */
function isStarter(given: unknown): boolean {
  const { transaction, execute, isTransaction } = (given ?? {}) as Record<string, unknown>
  if (isTransaction === true) return false
  return typeof transaction === 'function' || (typeof execute === 'function' && transaction === undefined)
}
