import type { KyselyTransactionLike } from '../caller-transaction.ts'
import { ask } from '../engine/ask.ts'
import { boundsOf } from '../engine/bounds.ts'
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

/** Begins a transaction of Kysely. */
export function startTransaction<Transaction extends KyselyTransactionLike, Result>(
  starter: TransactionStarter<Transaction>,
  work: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  return 'transaction' in starter ? starter.transaction().execute(work) : starter.execute(work)
}

/** Whether the value can be a {@link TransactionStarter}. */
export function isStarter(given: unknown): boolean {
  const { transaction, execute, isTransaction } = (given ?? {}) as Record<string, unknown>
  if (isTransaction === true) return false
  return typeof transaction === 'function' || (typeof execute === 'function' && transaction === undefined)
}
