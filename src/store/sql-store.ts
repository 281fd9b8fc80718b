import type { CallerTransaction, TransactionLike } from '../caller-transaction.ts'
import type { LockDialect } from '../dialects/dialect.ts'
import type { OwnConnection, SqlExecutor } from '../executors/executor.ts'
import type { WithinOptions } from '../options.ts'
import type { Answer, Statement, StatementInput } from '../statement.ts'
import { extendAfterLook, handOverAfterLook, type SendStatement } from './after-look.ts'
import { asCallerTransaction } from './as-caller-transaction.ts'
import { type CallsTogether, callsTogether } from './calls-together.ts'
import { inTime } from './in-time.ts'
import { leaseStateOf } from './lease-state.ts'
import { listedKeysOf, listInput } from './listed-keys.ts'
import type {
  HandOverOutcome,
  LeaseHold,
  LeaseRequest,
  ListedKeys,
  ListLook,
  LockState,
  LockStore,
  OldKeys,
  Renewal,
  RenewalAnswer,
  RunEnd,
  RunRecord,
  SessionStore,
  TransactionStore,
  TryOutcome,
  WantAnswer,
} from './lock-store.ts'
import { oldKeysOf } from './old-keys.ts'
import { renewAll } from './renew-all.ts'
import { RowLocked } from './row-locked.ts'
import { runRecordOf } from './run-record.ts'
import { SqlTransactionStore } from './sql-transaction-store.ts'
import { StatementSender, type StatementSenderParts } from './statement-sender.ts'
import { Sweeper } from './sweeper.ts'
import { TryingAlone } from './trying-alone.ts'
import type { ClosableWakeSource, WakeSource } from './wake-source.ts'

/** What an {@link SqlStore} is made of. */
export interface SqlStoreParts extends StatementSenderParts {
  /** May have to ask the database which one it is; asked again until there is an answer. */
  readonly dialect: () => LockDialect | Promise<LockDialect>
  /** The same by way of a transaction, since the only connection may be the transaction's. */
  readonly dialectWithin: (transaction: CallerTransaction) => LockDialect | Promise<LockDialect>
  /** Where renewals are sent; undefined: where everything else is. */
  readonly ownConnection: OwnConnection | undefined
  readonly wakeSource: ClosableWakeSource | undefined
  /** Whether tries and releases that come at the same moment leave in one statement. */
  readonly isBatching: boolean
  /** Missing: there is no connection beside the caller's. */
  readonly session?: SessionStore | undefined
}

type Input = Partial<StatementInput>

/** Most transactions are over by then. */
const AFTER_TRANSACTION_MS = 1_000

/** Leases in a table: a dialect's words, sent by an executor. Opens nothing and sends nothing until it is asked. */
export class SqlStore implements LockStore {
  readonly #parts: SqlStoreParts
  readonly #sender: StatementSender
  readonly #sweeper: Sweeper
  readonly #within = new WeakMap<object, SqlTransactionStore>()
  readonly #alone: TryingAlone
  readonly #together: CallsTogether | undefined
  #dialect: LockDialect | undefined

  constructor(parts: SqlStoreParts) {
    this.#parts = parts
    this.#sender = new StatementSender(parts)
    this.#alone = new TryingAlone({
      send: (dialect, statement, input) => this.#sender.send(dialect, statement, input),
      abandon: (key, attempt) => this.abandon(key, attempt),
      granted: () => this.#sweeper.granted(),
    })
    if (parts.isBatching) {
      this.#together = callsTogether(parts.executor, {
        dialect: () => this.#dialect ?? this.#resolveDialect(),
        send: (dialect, statement, input) => this.#sender.send(dialect, statement, input),
        lookAndWrite: (dialect, looks, writesAfter) => this.#sender.lookAndWrite(dialect, looks, writesAfter),
        alone: { tryAcquire: (request) => this.#tryAlone(request), release: (hold) => this.#releaseAlone(hold) },
        abandon: (key, attempt) => this.abandon(key, attempt),
        granted: () => this.#sweeper.granted(),
      })
    }
    this.#sweeper = new Sweeper(this)
  }

  tryAcquire(request: LeaseRequest): Promise<TryOutcome> {
    return this.#batching?.tryAcquire(request) ?? this.#tryAlone(request)
  }

  async #tryAlone(request: LeaseRequest): Promise<TryOutcome> {
    return this.#alone.tryAcquire(this.#dialect ?? (await this.#resolveDialect()), request)
  }

  async extend(hold: LeaseHold, ttlUs: number | null): Promise<number | null> {
    const dialect = this.#dialect ?? (await this.#resolveDialect())
    const { statements, holdLook } = dialect
    const send: SendStatement = (statement, input) => this.#sender.send(dialect, statement, input)
    const answer = holdLook
      ? await extendAfterLook(holdLook, statements.extend, { ...hold, ttlUs }, send)
      : dialect.readExtend(await send(statements.extend, { ...hold, ttlUs }))
    if (answer.kind === 'locked') throw new RowLocked()
    return answer.kind === 'extended' ? answer.atUs : null
  }

  async release(hold: LeaseHold): Promise<boolean> {
    const isReleased = await (this.#batching?.release(hold) ?? this.#releaseAlone(hold))
    if (isReleased && this.#dialect?.freedTry) this.#alone.freed(hold.key)
    return isReleased
  }

  async #releaseAlone(hold: LeaseHold): Promise<boolean> {
    return (await this.#ask((dialect) => dialect.statements.release, hold)).affectedRows > 0
  }

  async abandon(key: string, attempt: string): Promise<boolean> {
    return (await this.#ask((dialect) => dialect.statements.abandon, { key, attempt })).affectedRows > 0
  }

  async forceRelease(key: string): Promise<boolean> {
    return (await this.#ask((dialect) => dialect.statements.forceRelease, { key })).affectedRows > 0
  }

  async inspect(key: string): Promise<LockState | null> {
    return leaseStateOf(await this.#ask((dialect) => dialect.statements.inspect, { key }))
  }

  async list(look: ListLook): Promise<ListedKeys> {
    return listedKeysOf(await this.#ask((dialect) => dialect.statements.list, listInput(look)), look)
  }

  /** Never waits: rejects with {@link RowLocked} while a transaction guards the hold, which a release need not mind. */
  async handOver({ key, owner, token }: LeaseHold, heir: LeaseRequest): Promise<HandOverOutcome> {
    const dialect = this.#dialect ?? (await this.#resolveDialect())
    const { owner: heirOwner, attempt: heirAttempt, ttlUs, heldBy } = heir
    const input: Input = { key, owner, token, heirOwner, heirAttempt, ttlUs, heldBy }
    const { statements, holdLook } = dialect
    const send: SendStatement = (statement, values) => this.#sender.send(dialect, statement, values)
    const answer = holdLook
      ? await handOverAfterLook(holdLook, statements.handOver, input, send)
      : dialect.readHandOver(await send(statements.handOver, input))
    if (answer.kind === 'locked') throw new RowLocked()
    if (answer.kind === 'lost') return { granted: false }
    this.#sweeper.granted()
    return { granted: true, token: answer.token, grantedAtUs: answer.grantedAtUs, isWanted: answer.isWanted }
  }

  async want(key: string): Promise<WantAnswer> {
    const dialect = this.#dialect ?? (await this.#resolveDialect())
    try {
      for (const { statement, read } of dialect.wantSteps) {
        const answer = read(await this.#sender.send(dialect, statement, { key }))
        if (answer !== 'open') return answer
      }
    } catch (error) {
      if (error instanceof RowLocked) return 'locked'
      throw error
    }
    throw new TypeError('the last step of a mark left it open')
  }

  extendAll(renewals: readonly Renewal[], withinMs: number): Promise<RenewalAnswer[]> {
    return inTime(this.#renewAll(renewals, withinMs), withinMs)
  }

  async finishRun(hold: LeaseHold, { periodUs, hasFailed }: RunEnd): Promise<boolean> {
    const input: Input = { ...hold, periodUs, hasFailed }
    return (await this.#ask((dialect) => dialect.statements.finishRun, input)).affectedRows > 0
  }

  async lastRun(key: string): Promise<RunRecord | null> {
    return runRecordOf(await this.#ask((dialect) => dialect.statements.lastRun, { key }))
  }

  async findOld(afterKey: string, retentionUs: number): Promise<OldKeys> {
    return oldKeysOf(await this.#ask((dialect) => dialect.statements.sweepLook, { afterKey, retentionUs }))
  }

  async removeOld(keys: readonly string[], freeSinceUs: number): Promise<number> {
    const dialect = this.#dialect ?? (await this.#resolveDialect())
    const { sweepDelete } = dialect.statements
    const remove = async (input: Input) => (await this.#sender.send(dialect, sweepDelete, input)).affectedRows
    if (sweepDelete.parameters.includes('keys')) return remove({ keys, freeSinceUs })
    let removed = 0
    for (const key of keys) removed += await remove({ key, freeSinceUs })
    return removed
  }

  within(transaction: TransactionLike, { isolationLevel }: WithinOptions = {}): TransactionStore {
    const callers = asCallerTransaction(transaction)
    const known = this.#within.get(callers.handle)
    if (known) {
      known.knowIsolation(isolationLevel)
      return known
    }
    const { table, dialectWithin } = this.#parts
    const store = new SqlTransactionStore({
      transaction: callers,
      table,
      granted: () => this.#sweeper.granted(AFTER_TRANSACTION_MS),
      counting: this.#sender,
      dialect: async () => {
        this.#dialect ??= await dialectWithin(callers)
        return this.#dialect
      },
    })
    store.knowIsolation(isolationLevel)
    this.#within.set(callers.handle, store)
    return store
  }

  get wakeSource(): WakeSource | undefined {
    return this.#parts.wakeSource
  }

  get session(): SessionStore | undefined {
    return this.#parts.session
  }

  async close(): Promise<void> {
    await this.#parts.session?.close()
    await this.#sweeper.close()
    await this.#parts.wakeSource?.close()
    await this.#parts.ownConnection?.close()
  }

  /** @internal Sends what only others know to read, on another connection if one is given. */
  async say<Said>(
    speak: (dialect: LockDialect, send: SendStatement) => Promise<Said>,
    sender?: SqlExecutor,
  ): Promise<Said> {
    const dialect = this.#dialect ?? (await this.#resolveDialect())
    return speak(dialect, (statement, input) => this.#sender.sendOnce(dialect, statement, input, sender))
  }

  /** Unless neither the sender nor the database's words have anything for it, as far as they are known. */
  get #batching(): CallsTogether | undefined {
    const { executor } = this.#parts
    return !this.#dialect || this.#dialect.together || executor.lookAndWrite ? this.#together : undefined
  }

  async #renewAll(renewals: readonly Renewal[], withinMs: number): Promise<RenewalAnswer[]> {
    const endMs = performance.now() + withinMs
    // What has been heard by then still reaches the caller.
    const isLate = () => performance.now() > endMs - withinMs / 4
    const { executor, ownConnection } = this.#parts
    const dialect = this.#dialect ?? (await this.#resolveDialect())
    const sender: SqlExecutor = ownConnection
      ? { execute: (wording, values) => ownConnection.execute(wording, values, Math.max(0, endMs - performance.now())) }
      : executor
    return renewAll(
      dialect,
      renewals,
      (statement, input) => this.#sender.sendOnce(dialect, statement, input, sender),
      isLate,
    )
  }

  async #ask(choose: (dialect: LockDialect) => Statement, input: Input): Promise<Answer> {
    const dialect = this.#dialect ?? (await this.#resolveDialect())
    return this.#sender.send(dialect, choose(dialect), input)
  }

  async #resolveDialect(): Promise<LockDialect> {
    // Not remembered when it fails: a database that is down now may be there for the next call.
    this.#dialect = await this.#parts.dialect()
    return this.#dialect
  }
}
