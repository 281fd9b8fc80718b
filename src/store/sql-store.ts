import type { ErrorMeaning, LockDialect, TryAnswer, TryStep } from '../dialects/dialect.ts'
import { numberOf, numberOrNull } from '../dialects/numbers.ts'
import { errors, isLockError, type LockError } from '../errors.ts'
import type { SqlExecutor } from '../executors/executor.ts'
import type { ResolvedTable } from '../options.ts'
import type { Answer, Statement, StatementInput } from '../statement.ts'
import { StoreTrouble } from '../store-trouble.ts'
import { lockKeyHash } from './lock-key-hash.ts'
import type { LeaseHold, LeaseRequest, LeaseState, LockStore, TryOutcome } from './lock-store.ts'
import { Sweeper } from './sweeper.ts'

/** What an {@link SqlStore} is made of. */
export interface SqlStoreParts {
  readonly executor: SqlExecutor
  /** May have to ask the database which one it is; asked again until there is an answer. */
  readonly dialect: () => LockDialect | Promise<LockDialect>
  readonly table: ResolvedTable
  /** Creates the table when it is found missing; undefined: an error says so. */
  readonly createTable: ((dialect: LockDialect) => Promise<void>) | undefined
}

type Input = Partial<StatementInput>

/** Leases in a table: a dialect's words, sent by an executor. Opens nothing and sends nothing until it is asked. */
export class SqlStore implements LockStore {
  readonly #parts: SqlStoreParts
  readonly #sweeper: Sweeper
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
      if (answer.kind === 'locked') return { granted: false, freeInUs: null, isUncertain: true }
      this.#sweeper.granted()
      return { granted: true, token: answer.token, grantedAtUs: answer.grantedAtUs }
    }
    throw new TypeError('the last step of a try left it open')
  }

  async extend(hold: LeaseHold, ttlUs: number | null): Promise<number | null> {
    const dialect = this.#dialect ?? (await this.#resolveDialect())
    return dialect.readExtend(await this.#send(dialect, dialect.statements.extend, { ...hold, ttlUs }))
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
    const { rows } = await this.#ask((dialect) => dialect.statements.inspect, { key })
    const row = rows[0]
    if (!row) return null
    const remainingUs = numberOrNull(row.remaining)
    return {
      owner: row.owner === null ? null : String(row.owner),
      token: numberOf(row.token),
      remainingUs: remainingUs === null ? null : Math.max(0, remainingUs),
      nowUs: numberOf(row.now),
    }
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
    if (meaning === 'missing-table') return this.#schemaError('E_SCHEMA_MISSING', 'does not exist', cause)
    if (meaning === 'outdated-table') return this.#schemaError('E_SCHEMA_OUTDATED', 'lacks a column', cause)
    return new StoreTrouble(meaning, cause)
  }

  #schemaError(code: 'E_SCHEMA_MISSING' | 'E_SCHEMA_OUTDATED', says: string, cause: unknown): LockError {
    const { schema, tableName } = this.#parts.table
    const name = schema === undefined ? tableName : `${schema}.${tableName}`
    return new errors[code](
      `the table \`${name}\` ${says}: run \`npx kysely migrate:latest\` with the migrations of verrou-sql/migrations, or ` +
        '`await migrateToLatest(db)` from there, or apply sql/<dialect>/schema.sql, or pass `autoCreateTable: true`',
      { cause, details: { table: name } },
    )
  }

  async #resolveDialect(): Promise<LockDialect> {
    // Not remembered when it fails: a database that is down now may be there for the next call.
    this.#dialect = await this.#parts.dialect()
    return this.#dialect
  }
}

/** The database's way to say that somebody has the row: an answer to a try; for anything else, trouble that passes. */
class RowLocked extends StoreTrouble {
  constructor(cause: unknown) {
    super('transient', cause)
  }
}
