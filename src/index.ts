import './node-version.ts'

export type {
  CallerTransaction,
  KyselyTransactionLike,
  TransactionAnswer,
  TransactionLike,
  TransactionStatement,
} from './caller-transaction.ts'
export type { Duration, Ttl } from './duration.ts'
export {
  errors,
  isLockError,
  LockError,
  type LockErrorClass,
  type LockErrorCode,
  type LockErrorOptions,
} from './errors.ts'
export type { RunsInTransaction, TransactionStarter, TransactionWork } from './locks/guard.ts'
// As types: holds and locks are made by factories.
export type { Hold } from './locks/hold.ts'
export type { Lock, RunCallback, RunContext, RunOutcome } from './locks/lock.ts'
export { LockFactory } from './locks/lock-factory.ts'
export type { SerializedLock } from './locks/serialized-lock.ts'
export type { LockUntilCommit, TransactionLocks } from './locks/transaction-locks.ts'
export { Verrou, type VerrouOptions, type VerrouStores } from './locks/verrou.ts'
export type {
  AcquireOptions,
  LockFactoryOptions,
  LockUntilCommitOptions,
  RetryOptions,
  WithinOptions,
} from './options.ts'
export type { Answer } from './statement.ts'
export type {
  LeaseHold,
  LeaseRequest,
  LeaseState,
  LockStore,
  TransactionStore,
  TryOutcome,
} from './store/lock-store.ts'
export { StoreTrouble, type TroubleKind } from './store-trouble.ts'
