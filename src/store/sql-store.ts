import type { CallerTransaction, TransactionLike } from '../caller-transaction.ts'
import type { ErrorMeaning, LockDialect, TryAnswer, TryStep } from '../dialects/dialect.ts'
import { errors, isLockError, type LockError } from '../errors.ts'
import type { SqlExecutor } from '../executors/executor.ts'
import type { ResolvedTable, WithinOptions } from '../options.ts'
import type { Answer, Statement, StatementInput } from '../statement.ts'
import { StoreTrouble, type TroubleKind } from '../store-trouble.ts'
import { asCallerTransaction } from './as-caller-transaction.ts'
import { leaseStateOf } from './lease-state.ts'
import { lockKeyHash } from './lock-key-hash.ts'
import type { LeaseHold, LeaseRequest, LeaseState, LockStore, TransactionStore, TryOutcome } from './lock-store.ts'
import { RowLocked } from './row-locked.ts'
import { schemaError } from './schema-error.ts'
import { SqlTransactionStore } from './sql-transaction-store.ts'
import { Sweeper } from './sweeper.ts'

/** What an {@link SqlStore} is made of. */
export interface SqlStoreParts {
  readonly executor: SqlExecutor
  /** May have to ask the database which one it is; asked again until there is an answer. */
  readonly dialect: () => LockDialect | Promise<LockDialect>
  /** The same by way of a transaction, since the only connection may be the transaction's. */
  readonly dialectWithin: (transaction: CallerTransaction) => LockDialect | Promise<LockDialect>
  readonly table: ResolvedTable
  /** Creates the table when it is found missing; undefined: an error says so. */
  readonly createTable: ((dialect: LockDialect) => Promise<void>) | undefined
}

type Input = Partial<StatementInput>

/** Most transactions are over by then. */
const AFTER_TRANSACTION_MS = 1_000

/** Leases in a table: a dialect's words, sent by an executor. Opens nothing and sends nothing until it is asked. */
export class SqlStore implements LockStore {
  readonly #parts: SqlStoreParts
  readonly #sweeper: Sweeper
  readonly #within = new WeakMap<object, SqlTransactionStore>()
  #dialect: LockDialect | undefined

  constructor(parts: SqlStoreParts) {
    this.#parts = parts
    this.#sweeper = new Sweeper({
      look: (afterKey) => this.#lookForOldRows(afterKey),
      remove: (key) => this.sweepKey(key),
    })
  }

  async tryAcquire(request: LeaseRequest): Promise<TryOutcome> {
    const dialect = this.#dialect ?? (await this.#resolveDialect())
    const { table } = this.#parts
    const input: Input = {
      ...request,
      // Hashed only for a dialect whose statement has it.
      get newKeyLock() {
        return lockKeyHash(table, request.key)
      },
    }

    for (const step of dialect.trySteps) {
      const answer = await this.#takeStep(dialect, step, input)
      if (answer.kind === 'open') continue
      if (answer.kind === 'held') return { granted: false, freeInUs: answer.freeInUs }
      if (answer.kind !== 'granted') {
        // What comes after the first step may have waited.
        return { granted: false, freeInUs: null, isUncertain: true, hasWaited: step !== dialect.trySteps[0] }
      }
      this.#sweeper.granted()
      return { granted: true, token: answer.token, grantedAtUs: answer.grantedAtUs }
    }
    throw new TypeError('the last step of a try left it open')
  }

  async extend(hold: LeaseHold, ttlUs: number | null): Promise<number | null> {
    const dialect = this.#dialect ?? (await this.#resolveDialect())
    const answer = dialect.readExtend(await this.#send(dialect, dialect.statements.extend, { ...hold, ttlUs }))
    if (answer.kind === 'locked') throw new RowLocked()
    return answer.kind === 'extended' ? answer.atUs : null
  }

  async release(hold: LeaseHold): Promise<boolean> {
    return (await this.#ask((dialect) => dialect.statements.release, hold)).affectedRows > 0
  }

  async abandon(key: string, attempt: string): Promise<boolean> {
    return (await this.#ask((dialect) => dialect.statements.abandon, { key, attempt })).affectedRows > 0
  }

  async forceRelease(key: string): Promise<boolean> {
    return (await this.#ask((dialect) => dialect.statements.forceRelease, { key })).affectedRows > 0
  }

  async inspect(key: string): Promise<LeaseState | null> {
    return leaseStateOf(await this.#ask((dialect) => dialect.statements.inspect, { key }))
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
      dialect: async () => {
        this.#dialect ??= await dialectWithin(callers)
        return this.#dialect
      },
    })
    store.knowIsolation(isolationLevel)
    this.#within.set(callers.handle, store)
    return store
  }

  async close(): Promise<void> {
    await this.#sweeper.close()
  }

  /** @internal Removes the row of a key, if it has been free for long and nobody has it locked. */
  async sweepKey(key: string): Promise<void> {
    await this.#ask((dialect) => dialect.statements.sweepDelete, { key })
  }

  async #takeStep(dialect: LockDialect, step: TryStep, input: Input): Promise<TryAnswer> {
    try {
      return step.read(await this.#send(dialect, step.statement, input))
    } catch (error) {
      if (error instanceof RowLocked) return { kind: 'locked' }
      throw error
    }
  }

  async #lookForOldRows(afterKey: string) {
    const { rows } = await this.#ask((dialect) => dialect.statements.sweepLook, { afterKey })
    return rows.map((row) => ({ key: String(row.key), isOld: Boolean(row.is_old) }))
  }

  async #ask(choose: (dialect: LockDialect) => Statement, input: Input): Promise<Answer> {
    const dialect = this.#dialect ?? (await this.#resolveDialect())
    return this.#send(dialect, choose(dialect), input)
  }

  async #send(dialect: LockDialect, statement: Statement, input: Input): Promise<Answer> {
    try {
      return await this.#sendOnce(dialect, statement, input)
    } catch (error) {
      const { createTable } = this.#parts
      if (!createTable || !(error instanceof errors.E_SCHEMA_MISSING)) throw error
      await createTable(dialect)
      return this.#sendOnce(dialect, statement, input)
    }
  }

  async #sendOnce(dialect: LockDialect, statement: Statement, input: Input): Promise<Answer> {
    const values = statement.parameters.map((name) => dialect.encode(name, input[name] as never))
    try {
      return await this.#parts.executor.execute(statement, values)
    } catch (error) {
      if (isLockError(error)) throw error
      throw this.#errorFor(dialect.meaningOf(error, statement.name), error)
    }
  }

  #errorFor(meaning: ErrorMeaning, cause: unknown): StoreTrouble | LockError {
    if (meaning === 'row-locked') return new RowLocked(cause)
    return schemaError(meaning, this.#parts.table, cause) ?? new StoreTrouble(troubleOf(meaning), cause)
  }

  async #resolveDialect(): Promise<LockDialect> {
    // Not remembered when it fails: a database that is down now may be there for the next call.
    this.#dialect = await this.#parts.dialect()
    return this.#dialect
  }
}

/** Outside of the caller's transactions, what only matters within them is trouble like any other. */
function troubleOf(meaning: Exclude<ErrorMeaning, 'row-locked'>): TroubleKind {
  if (meaning === 'stale') return 'transient'
  const isRefusal =
    meaning === 'row-exists' ||
    meaning === 'read-only' ||
    meaning === 'transaction-failed' ||
    meaning.endsWith('-table')
  return isRefusal ? 'failed' : (meaning as TroubleKind)
}
