import type { SqlExecutor } from '../executors/executor.ts'
import { CallsInTransaction, type CallsInTransactionParts } from './calls-in-transaction.ts'
import type { LeaseStore } from './lock-store.ts'
import { TogetherCalls, type TogetherCallsParts } from './together-calls.ts'

/** Tries and releases, those that come at the same moment sent together. */
export type CallsTogether = Pick<LeaseStore, 'tryAcquire' | 'release'>

/** In one statement, or in one transaction of a sender that has them. */
export function callsTogether(
  executor: SqlExecutor,
  parts: TogetherCallsParts & CallsInTransactionParts,
): CallsTogether {
  return executor.lookAndWrite ? new CallsInTransaction(parts) : new TogetherCalls(parts)
}
