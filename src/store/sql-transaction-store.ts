import type { CallerTransaction, TransactionAnswer } from '../caller-transaction.ts'
import { quoted } from '../describe-value.ts'
import { meaningOfServerError } from '../dialects/detect.ts'
import {
  type ErrorMeaning,
  followingStep,
  type LockDialect,
  type TransactionStep,
  type TryAnswer,
} from '../dialects/dialect.ts'
import { errors, isLockError } from '../errors.ts'
import type { ResolvedTable, WithinOptions } from '../options.ts'
import type { Statement, StatementInput } from '../statement.ts'
import { StoreTrouble } from '../store-trouble.ts'
import { leaseStateOf } from './lease-state.ts'
import type { LeaseHold, LeaseRequest, LockState, TransactionStore, TryOutcome } from './lock-store.ts'
import { RowExists } from './row-exists.ts'
import { RowLocked } from './row-locked.ts'
import { schemaError } from './schema-error.ts'
import type { RenewalCounting } from './statement-sender.ts'
import { transactionError } from './transaction-error.ts'
import { withoutSecrets } from './without-secrets.ts'

/** What a {@link SqlTransactionStore} is made of. */
export interface SqlTransactionStoreParts {
  readonly transaction: CallerTransaction
  /** Asked again until there is an answer. */
  readonly dialect: () => LockDialect | Promise<LockDialect>
  readonly table: ResolvedTable
  /** Called after every grant. */
  readonly granted: () => void
  /** What was found out about the table, by all that use it. */
  readonly counting: RenewalCounting
}

type Input = Partial<StatementInput>

/** A lock until commit is a lease that is over at once: what keeps others out is the row lock of the transaction. */
const UNTIL_COMMIT: Input = { owner: null, attempt: null, heldBy: null, ttlUs: 0 }

/** Leases and locks until commit in a table, on one transaction of the caller's. */
export class SqlTransactionStore implements TransactionStore {
  readonly #parts: SqlTransactionStoreParts
  /** What the transaction has locked, as far as we know: a rollback to a savepoint may have freed some of it. */
  readonly #lockedKeys = new Set<string>()
  readonly #stopped = new Set<string>()
  #dialect: LockDialect | undefined
  #isSnapshotFixed: boolean | undefined
  #beganUs: number | undefined
  #firstLookUs: number | undefined
  #hasBeenRolledBack = false

  constructor(parts: SqlTransactionStoreParts) {
    this.#parts = parts
  }

  /** What the caller says of the transaction. */
  knowIsolation(level: WithinOptions['isolationLevel']): void {
    if (level !== undefined) this.#isSnapshotFixed = !level.startsWith('read')
  }

  tryAcquire(request: LeaseRequest): Promise<TryOutcome> {
    return this.#try(request.key, { ...request }, request.attempt)
  }

  tryLockUntilCommit(key: string, attempt: string): Promise<TryOutcome> {
    return this.#try(key, UNTIL_COMMIT, attempt)
  }

  async extend(hold: LeaseHold, ttlUs: number | null): Promise<number | null> {
    const { transaction } = await this.#resolveDialect()
    const live = transaction.lockLive && transaction.readExtend(await this.#send(transaction.lockLive, { ...hold }))
    if (live?.kind === 'lost') return null
    const { extend } = transaction.statements
    const isCounted = await this.#isCounted(hold.key)
    const sent = await this.#send(isCounted ? extend : (extend.uncounted ?? extend), { ...hold, ttlUs })
    const answer = live ?? transaction.readExtend(sent)
    if (answer.kind === 'locked') throw new RowLocked()
    if (answer.kind === 'lost') return null
    this.#lockedKeys.add(hold.key)
    return answer.atUs
  }

  async release(hold: LeaseHold): Promise<boolean> {
    const { transaction } = await this.#resolveDialect()
    return this.#change(transaction.statements.release, { ...hold })
  }

  async abandon(key: string, attempt: string): Promise<boolean> {
    const { statements } = await this.#resolveDialect()
    return this.#change(statements.abandon, { key, attempt })
  }

  async forceRelease(key: string): Promise<boolean> {
    const { statements } = await this.#resolveDialect()
    return this.#change(statements.forceRelease, { key })
  }

  async inspect(key: string): Promise<LockState | null> {
    const { statements } = await this.#resolveDialect()
    return leaseStateOf(await this.#send(statements.inspect, { key }))
  }

  async guard(hold: LeaseHold): Promise<boolean> {
    const { transaction } = await this.#resolveDialect()
    const answer = await this.#send(transaction.statements.guard, { ...hold })
    this.#lockedKeys.add(hold.key)
    return transaction.isCurrent(answer)
  }

  async checkWaiting(key: string, isRowLocked: boolean): Promise<void> {
    const { transaction } = await this.#resolveDialect()
    if (!(isRowLocked && transaction.seesRowLocksEnd) && (await this.#asksSnapshot())) {
      throw new errors.E_TRANSACTION_ISOLATION(
        `this transaction cannot wait for ${quoted(key)}: it sees the database as it was when it began, and would never see the lock become free; ` +
          'try once (`acquireImmediately()`, `timeout: 0`) and run the transaction again, or use READ COMMITTED (on MySQL and MariaDB for the session, or say so: ' +
          "`within(trx, { isolationLevel: 'read committed' })`), or take the lock before the transaction",
        { details: { key } },
      )
    }
    const later = [...this.#lockedKeys].find((locked) => Buffer.compare(Buffer.from(locked), Buffer.from(key)) > 0)
    if (later === undefined) return
    throw new errors.E_TRANSACTION_CONFLICT(
      `this transaction has locked ${quoted(later)} and would now wait for ${quoted(key)}, which comes before it: two transactions that lock in ` +
        'opposite orders would wait for each other; lock both in one call (`lockUntilCommit([a, b])`), or roll back and run the transaction again',
      { details: { key, locked: later } },
    )
  }

  stop(attempt: string): void {
    this.#stopped.add(attempt)
  }

  abandonAtOnce(key: string, attempt: string): void {
    this.stop(attempt)
    // Nobody waits for it: if it fails, then so has the transaction.
    this.abandon(key, attempt).catch(() => {})
  }

  async close(): Promise<void> {}

  async #try(key: string, input: Input, attempt: string): Promise<TryOutcome> {
    const { transaction } = await this.#resolveDialect()
    const whole = { ...input, key, seen: '' }
    const first = transaction.trySteps[0]
    let hasMet = false
    for (let step = first; step; ) {
      if (this.#stopped.has(attempt)) throw new RowLocked()
      const seenBefore: string = whole.seen
      const answer = await this.#takeStep(step, whole, attempt)
      if (answer.kind === 'held' || answer.kind === 'open') this.#firstLookUs ??= answer.nowUs
      // Others who have met the same row may wait for us, as we would for them.
      if (hasMet && (answer.kind === 'locked' || answer.kind === 'held'))
        throw transactionError('stale', key, undefined)
      if (answer.kind === 'open') {
        if (step === first) {
          await this.#checkRanOut(key, answer.ranOutUs ?? null)
          // Met, looked at again, and not another row: the transaction sees the database as it was before.
          if (hasMet && (answer.seen ?? '') === seenBefore) throw transactionError('stale', key, undefined)
          whole.seen = answer.seen ?? ''
        }
        Object.assign(whole, answer.found)
        step = followingStep(transaction.trySteps, step, answer.next)
        continue
      }
      if (answer.kind !== 'met' || hasMet) return this.#outcomeOf(key, answer, step)
      hasMet = true
      step = first
    }
    throw new TypeError('the last step of a try left it open')
  }

  #outcomeOf(key: string, answer: Exclude<TryAnswer, { kind: 'open' }>, { around }: TransactionStep): TryOutcome {
    if (answer.kind === 'held') return { granted: false, freeInUs: answer.freeInUs }
    if (answer.kind === 'locked') {
      if (answer.ranOutSinceBegin) throw transactionError('stale', key, undefined)
      return { granted: false, freeInUs: null, isUncertain: true, hasWaited: around !== undefined }
    }
    if (answer.kind === 'met') throw transactionError('stale', key, undefined)
    this.#lockedKeys.add(key)
    this.#parts.granted()
    return { granted: true, token: answer.token, grantedAtUs: answer.grantedAtUs }
  }

  async #takeStep({ statement, around, read }: TransactionStep, input: Input, attempt: string): Promise<TryAnswer> {
    if (around) await this.#send(around.before, {})
    try {
      if (this.#stopped.has(attempt)) throw new RowLocked()
      return read(await this.#send(statement, input), input)
    } catch (error) {
      if (around?.onError) await this.#send(around.onError, {}).catch(() => {})
      if (error instanceof RowExists) return { kind: 'met' }
      if (error instanceof RowLocked) return { kind: 'locked' }
      if (isLockError(error, 'E_TRANSACTION_REQUIRED')) await this.#giveBack(input)
      throw error
    } finally {
      // The error of the statement is the one that counts.
      if (around) await this.#send(around.after, {}).catch(() => {})
    }
  }

  /** Granted outside of a transaction: a lease that would stay. */
  async #giveBack({ key, attempt }: Input): Promise<void> {
    if (key !== undefined && attempt) await this.abandon(key, attempt).catch(() => {})
  }

  /**
   * A lease that ran out after this transaction has looked for the first time: what its holder wrote meanwhile, a fixed snapshot
   * does not show.
   */
  async #checkRanOut(key: string, ranOutUs: number | null): Promise<void> {
    if (ranOutUs === null || this.#firstLookUs === undefined || ranOutUs <= this.#firstLookUs) return
    if (await this.#asksSnapshot()) throw transactionError('stale', key, undefined)
  }

  /** Asked before, and by another statement: on Postgres, one that names a column which is not there is the end of the transaction. */
  async #isCounted(key: string): Promise<boolean> {
    const { counting } = this.#parts
    if (counting.areRenewalsCounted !== undefined) return counting.areRenewalsCounted
    const state = await this.inspect(key)
    // A fixed snapshot may not show a row that was made since.
    if (state === null) return false
    counting.areRenewalsCounted = state.renewals !== null
    return counting.areRenewalsCounted
  }

  async #change(statement: Statement, input: Input): Promise<boolean> {
    const hasChanged = (await this.#send(statement, input)).affectedRows > 0
    if (hasChanged) this.#lockedKeys.add(input.key as string)
    return hasChanged
  }

  /** Whether the snapshot of the transaction is fixed; assumed if nobody says. */
  async #asksSnapshot(): Promise<boolean> {
    const { snapshotQuestion } = (await this.#resolveDialect()).transaction
    if (snapshotQuestion === 'always') return true
    if (this.#isSnapshotFixed === undefined) {
      const { rows } = await this.#send(snapshotQuestion, {})
      this.#isSnapshotFixed = rows[0] === undefined || Boolean(Number(rows[0].is_fixed))
    }
    return this.#isSnapshotFixed
  }

  async #send(statement: Statement, input: Input): Promise<TransactionAnswer> {
    if (this.#hasBeenRolledBack) {
      throw new errors.E_TRANSACTION_FAILED(
        'the database has rolled this transaction back because of a conflict; end it, and run it again',
      )
    }
    const dialect = await this.#resolveDialect()
    const values = statement.parameters.map((name) => dialect.encode(name, input[name] as never))
    let answer: TransactionAnswer
    try {
      answer = await this.#parts.transaction.execute(statement, values)
    } catch (error) {
      if (isLockError(error)) throw error
      throw this.#errorFor(dialect, statement, input.key, withoutSecrets(error, input))
    }
    this.#checkInTransaction(answer, dialect.transaction.beganUs?.(answer))
    return answer
  }

  #errorFor(dialect: LockDialect, statement: Statement, key: string | undefined, cause: unknown): Error {
    const meaning: ErrorMeaning = dialect.meaningOf(cause, statement.name)
    if (meaning === 'row-locked') return new RowLocked(cause)
    if (meaning === 'row-exists') return new RowExists(cause)
    if (meaning === 'transient' && dialect.transaction.isConflictSilent) this.#hasBeenRolledBack = true
    return schemaError(meaning, this.#parts.table, cause) ?? transactionError(meaning, key, cause)
  }

  /** Where neither the driver nor the database tells, nobody does. */
  #checkInTransaction({ isInTransaction }: TransactionAnswer, beganUs: number | undefined): void {
    this.#beganUs ??= beganUs
    const isAnother = beganUs !== undefined && beganUs !== this.#beganUs
    if (isInTransaction !== false && !isAnother) return
    throw new errors.E_TRANSACTION_REQUIRED(
      'the transaction that was given to `within` or `guard` is not open: begin it first, and use its locks before it ends',
    )
  }

  async #resolveDialect(): Promise<LockDialect> {
    try {
      this.#dialect ??= await this.#parts.dialect()
      return this.#dialect
    } catch (error) {
      if (!(error instanceof StoreTrouble)) throw error
      throw transactionError(meaningOfServerError(error.cause), undefined, error.cause)
    }
  }
}
