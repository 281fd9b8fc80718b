import type { LockDialect, TryStep } from '../dialects/dialect.ts'
import { errors, isLockError } from '../errors.ts'
import type { SqlExecutor } from '../executors/executor.ts'
import type { ResolvedTable } from '../options.ts'
import type { Answer, Statement, StatementInput } from '../statement.ts'
import { StoreTrouble } from '../store-trouble.ts'
import type { FilledStatement, WritesAfter } from './calls-in-transaction.ts'
import { RowLocked } from './row-locked.ts'
import { schemaError } from './schema-error.ts'
import { troubleOf } from './trouble-of.ts'
import { withoutSecrets } from './without-secrets.ts'

/** Whether the table has the columns to count renewals in. */
export interface RenewalCounting {
  /** `undefined`: nobody has asked yet. */
  areRenewalsCounted: boolean | undefined
}

/** What a {@link StatementSender} is made of. */
export interface StatementSenderParts {
  readonly executor: SqlExecutor
  readonly table: ResolvedTable
  /** Creates the table when it is found missing; undefined: an error says so. */
  readonly createTable: ((dialect: LockDialect) => Promise<void>) | undefined
}

type Input = Partial<StatementInput>

/** Sends statements with their values, outside of the caller's transactions, and says what errors of the driver mean. */
export class StatementSender implements RenewalCounting {
  readonly #parts: StatementSenderParts
  areRenewalsCounted: boolean | undefined

  constructor(parts: StatementSenderParts) {
    this.#parts = parts
  }

  /** Sends it; once more if it only lacked a table that can be created. */
  send(dialect: LockDialect, statement: Statement, input: Input): Promise<Answer> {
    return this.#withTable(dialect, statement, () => this.sendOnce(dialect, statement, input))
  }

  /** Several at once, by an executor that can: looks first, then what is chosen by what they saw. */
  lookAndWrite(dialect: LockDialect, looks: readonly FilledStatement[], writesAfter: WritesAfter): Promise<Answer[]> {
    let filled = looks
    const worded = ({ statement, input }: FilledStatement) => ({
      wording: statement,
      values: valuesOf(dialect, statement, input),
    })
    const { statement } = dialect.trySteps[0] as TryStep
    return this.#withTable(dialect, statement, async () => {
      try {
        const written = this.#parts.executor.lookAndWrite?.(looks.map(worded), (looked) => {
          filled = writesAfter(looked)
          return filled.map(worded)
        })
        return (await written) ?? []
      } catch (error) {
        for (const { input } of filled) withoutSecrets(error, input)
        throw this.#told(dialect, statement, error)
      }
    })
  }

  async #withTable<T>(dialect: LockDialect, statement: Statement, send: () => Promise<T>): Promise<T> {
    try {
      return await send()
    } catch (error) {
      const { createTable } = this.#parts
      if (!createTable || !canCreate(error, statement)) throw error
      await createTable(dialect)
      return send()
    }
  }

  /** Sends it, on another connection if one is given. Nobody has to wait for a table that lacks the columns to count renewals in. */
  async sendOnce(
    dialect: LockDialect,
    statement: Statement,
    input: Input,
    sender: SqlExecutor = this.#parts.executor,
  ): Promise<Answer> {
    const { uncounted } = statement
    if (!uncounted) return this.#execute(dialect, statement, input, sender)
    if (this.areRenewalsCounted === false) return this.#execute(dialect, uncounted, input, sender)
    try {
      const answer = await this.#execute(dialect, statement, input, sender)
      this.areRenewalsCounted = true
      return answer
    } catch (error) {
      if (!isLockError(error, 'E_SCHEMA_OUTDATED')) throw error
      const answer = await this.#execute(dialect, uncounted, input, sender)
      this.areRenewalsCounted = false
      void this.#addColumns(dialect)
      return answer
    }
  }

  /** Where the table may be created, once, and beside what people wait for. */
  async #addColumns(dialect: LockDialect): Promise<void> {
    const { createTable } = this.#parts
    if (!createTable) return
    await createTable(dialect).then(
      () => {
        this.areRenewalsCounted = undefined
      },
      () => {},
    )
  }

  async #execute(dialect: LockDialect, statement: Statement, input: Input, sender: SqlExecutor): Promise<Answer> {
    const values = valuesOf(dialect, statement, input)
    try {
      return await sender.execute(statement, values)
    } catch (error) {
      throw this.#told(dialect, statement, withoutSecrets(error, input))
    }
  }

  /** An error of the driver as what the caller is told. */
  #told(dialect: LockDialect, { name }: Statement, cause: unknown): unknown {
    if (isLockError(cause) || cause instanceof StoreTrouble) return cause
    const meaning = dialect.meaningOf(cause, name)
    if (meaning === 'row-locked') return new RowLocked(cause)
    return schemaError(meaning, this.#parts.table, cause) ?? new StoreTrouble(troubleOf(meaning), cause)
  }
}

function valuesOf(dialect: LockDialect, { parameters }: Statement, input: Input): unknown[] {
  return parameters.map((name) => dialect.encode(name, input[name] as never))
}

/** The only statements that need more than the first migration: a table that lacks it may be another version's, or nobody's of ours. */
const NEED_RUN_RECORDS: ReadonlySet<string> = new Set(['finish-run', 'last-run'])

/** Whether creating the table, or what it lacks, would help. */
function canCreate(error: unknown, { name }: Statement): boolean {
  if (error instanceof errors.E_SCHEMA_MISSING) return true
  return error instanceof errors.E_SCHEMA_OUTDATED && NEED_RUN_RECORDS.has(name)
}
