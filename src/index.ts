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
export type { ElectOptions, LeaderCallback, Leadership } from './locks/elect.ts'
export type { RunsInTransaction, TransactionStarter, TransactionWork } from './locks/guard.ts'
// As types: holds and locks are made by factories.
export type { Hold } from './locks/hold.ts'
export type { ListOptions, LockPage } from './locks/list-locks.ts'
export type { Lock, RunCallback, RunContext, RunOutcome } from './locks/lock.ts'
export type { LockEvents } from './locks/lock-events.ts'
export { LockFactory } from './locks/lock-factory.ts'
export type { LockInfo } from './locks/lock-info.ts'
export type { Pruned, PruneOptions, PruneProgress } from './locks/prune.ts'
export type { LastRun, RunOncePerOptions } from './locks/run-once-per.ts'
export type { SerializedLock } from './locks/serialized-lock.ts'
export type { SessionHold } from './locks/session-hold.ts'
export type { SessionLock, SessionRunCallback, SessionRunContext } from './locks/session-lock.ts'
export type { SessionLockOptions } from './locks/session-options.ts'
export type { LockUntilCommit, TransactionLocks } from './locks/transaction-locks.ts'
export { Verrou, type VerrouOptions, type VerrouStores } from './locks/verrou.ts'
export type {
  AcquireOptions,
  HoldOptions,
  KeepAliveOptions,
  LockFactoryOptions,
  LockUntilCommitOptions,
  RetryOptions,
  WithinOptions,
} from './options.ts'
export type { Answer } from './statement.ts'
export type {
  HandOverOutcome,
  LeaseHold,
  LeaseRequest,
  LeaseState,
  LeaseStore,
  ListedKey,
  ListedKeys,
  ListLook,
  LockState,
  LockStore,
  OldKeys,
  Presence,
  PresenceSource,
  Renewal,
  RenewalAnswer,
  RunEnd,
  RunRecord,
  SessionStore,
  TransactionStore,
  TryOutcome,
  WantAnswer,
} from './store/lock-store.ts'
export type { WakeSource, WakeupTrouble } from './store/wake-source.ts'
export { StoreTrouble, type TroubleKind } from './store-trouble.ts'
