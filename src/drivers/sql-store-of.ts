import type { CallerTransaction } from '../caller-transaction.ts'
import type { LockDialect } from '../dialects/dialect.ts'
import type { SqlExecutor } from '../executors/executor.ts'
import type { ResolvedTable } from '../options.ts'
import { checkOptions, invalidOption, resolveTable, type TableOptions } from '../options.ts'
import { createLockTable } from '../schema/create-lock-table.ts'
import type { LockStore } from '../store/lock-store.ts'
import { SqlStore } from '../store/sql-store.ts'

/** Options of every store in a table. */
export interface SqlStoreOptions extends TableOptions {
  /**
   * Create the table when it is found missing. Default: false; then a missing table is `E_SCHEMA_MISSING`. Run the
   * migrations of `verrou-sql/migrations` instead where the app's user may not create tables.
   */
  readonly autoCreateTable?: boolean | undefined
}

const KNOWN = ['tableName', 'schema', 'autoCreateTable']

/** What a driver adds to a store. */
export interface StoreWiring<Options> {
  /** The options that only this driver has, and what each must look like. */
  readonly own: Readonly<Record<string, { readonly rule: string; readonly isValid: (given: unknown) => boolean }>>
  executor(options: Options, table: ResolvedTable): SqlExecutor
  dialect(executor: SqlExecutor, options: Options, table: ResolvedTable): () => LockDialect | Promise<LockDialect>
  /** Where the database has to be asked which one it is: the same by way of a transaction of the caller's. */
  dialectWithin?(transaction: CallerTransaction, options: Options, table: ResolvedTable): Promise<LockDialect>
}

/** Checks a driver's options and joins dialect and executor to a store. Opens nothing. */
export function sqlStoreOf<Options extends SqlStoreOptions>(options: Options, wiring: StoreWiring<Options>): LockStore {
  checkOptions('options', options, [...Object.keys(wiring.own), ...KNOWN])
  for (const [name, { rule, isValid }] of Object.entries(wiring.own)) {
    const given = (options as Record<string, unknown>)[name]
    if (!isValid(given)) throw invalidOption(name, rule, given)
  }
  const { autoCreateTable = false } = options
  if (typeof autoCreateTable !== 'boolean') throw invalidOption('autoCreateTable', 'true or false', autoCreateTable)

  const table = resolveTable(options)
  const executor = wiring.executor(options, table)
  const dialect = wiring.dialect(executor, options, table)
  return new SqlStore({
    executor,
    table,
    dialect,
    dialectWithin: (transaction) => wiring.dialectWithin?.(transaction, options, table) ?? dialect(),
    createTable: autoCreateTable ? (dialect) => createLockTable(executor, dialect, table) : undefined,
  })
}

/** Whether it is an object with such a method: drivers are told by what they can do. */
export function hasMethod(given: unknown, method: string): boolean {
  return typeof given === 'object' && given !== null && typeof (given as Record<string, unknown>)[method] === 'function'
}
