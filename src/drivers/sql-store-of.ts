import type { CallerTransaction } from '../caller-transaction.ts'
import type { LockDialect } from '../dialects/dialect.ts'
import { errors } from '../errors.ts'
import type { OwnConnection, SqlExecutor } from '../executors/executor.ts'
import { ownOrPool } from '../executors/own-or-pool.ts'
import type { HearingConnection } from '../executors/reopening-connection.ts'
import type { ResolvedTable } from '../options.ts'
import { BOOLEAN_RULE, checkOptions, invalidOption, resolveTable, type TableOptions } from '../options.ts'
import { createLockTable } from '../schema/create-lock-table.ts'
import type { LockStore } from '../store/lock-store.ts'
import { PresentStore } from '../store/present-store.ts'
import { SessionLocks } from '../store/session-locks.ts'
import { SqlStore } from '../store/sql-store.ts'
import type { ClosableWakeSource } from '../store/wake-source.ts'
import { systemClock } from '../system-clock.ts'

/** Options of every store in a table. */
export interface SqlStoreOptions extends TableOptions {
  /**
   * Create the table when it is found missing. Default: false; then a missing table is `E_SCHEMA_MISSING`. Run the
   * migrations of `verrou-sql/migrations` instead where the app's user may not create tables.
   */
  readonly autoCreateTable?: boolean | undefined
  /**
   * Whether tries that come at the same moment leave in one statement, and releases likewise: many callers cost little more than one. Each is
   * answered as if it had been sent alone, and one that is alone is sent at once. Default: true.
   */
  readonly batch?: boolean | undefined
}

/** What an option must look like. */
interface OptionRule {
  readonly rule: string
  readonly isValid: (given: unknown) => boolean
  /** What is given may be a connection string, with its password, in the wrong place: no message repeats it. */
  readonly isSecret?: boolean
}

/** Checked with the table. */
const TABLE = ['tableName', 'schema']

/** The options that every driver has. */
const COMMON: Readonly<Record<string, OptionRule>> = { autoCreateTable: BOOLEAN_RULE, batch: BOOLEAN_RULE }

/** What a driver adds to a store. */
export interface StoreWiring<Options> {
  /** The options that only this driver has, and what each must look like. */
  readonly own: Readonly<Record<string, OptionRule>>
  executor(options: Options, table: ResolvedTable): SqlExecutor
  dialect(executor: SqlExecutor, options: Options, table: ResolvedTable): () => LockDialect | Promise<LockDialect>
  /** A connection beside the caller's: one for renewals, and one for session locks. A new one at each call. */
  ownConnection?(options: Options, table: ResolvedTable): HearingConnection | undefined
  /** One more, for the presence; `null`: none is wanted. */
  presenceConnection?(options: Options, table: ResolvedTable): HearingConnection | null
  /** Hears of releases by other processes. `own`: what {@link ownConnection} made; `executor`: the caller's connections. */
  wakeSource?(
    options: Options,
    table: ResolvedTable,
    own: OwnConnection | undefined,
    executor: SqlExecutor,
  ): ClosableWakeSource | undefined
  /** Where the database has to be asked which one it is: the same by way of a transaction of the caller's. */
  dialectWithin?(transaction: CallerTransaction, options: Options, table: ResolvedTable): Promise<LockDialect>
}

/** Checks a driver's options and joins dialect and executor to a store. Opens nothing. */
export function sqlStoreOf<Options extends SqlStoreOptions>(options: Options, wiring: StoreWiring<Options>): LockStore {
  const rules = { ...wiring.own, ...COMMON }
  checkOptions('options', options, [...Object.keys(rules), ...TABLE])
  for (const [name, { rule, isValid, isSecret = false }] of Object.entries(rules)) {
    const given = (options as Record<string, unknown>)[name]
    if (!isValid(given)) throw isSecret ? hidingError(name, rule, given) : invalidOption(name, rule, given)
  }
  const { autoCreateTable = false, batch = true } = options
  const table = resolveTable(options)
  const executor = wiring.executor(options, table)
  const dialect = wiring.dialect(executor, options, table)
  const ownConnection = wiring.ownConnection?.(options, table)
  const connect = () => wiring.ownConnection?.(options, table) as HearingConnection
  const beside = ownConnection && ownOrPool(ownConnection, executor, systemClock)
  const presenceConnection = wiring.presenceConnection?.(options, table) ?? undefined
  const store = new SqlStore({
    executor,
    table,
    dialect,
    isBatching: batch,
    ownConnection: beside,
    wakeSource: wiring.wakeSource?.(options, table, ownConnection, executor),
    // Not the connection of renewals: one that is late gives it up, and with it would go every session lock.
    session: ownConnection && new SessionLocks({ connect, executor, dialect, clock: systemClock }),
    dialectWithin: (transaction) => wiring.dialectWithin?.(transaction, options, table) ?? dialect(),
    createTable: autoCreateTable ? (dialect) => createLockTable(executor, dialect, table) : undefined,
  })
  if (!beside || !presenceConnection) return store
  return new PresentStore({ store, beside, connection: presenceConnection, clock: systemClock, chance: Math.random })
}

function hidingError(option: string, rule: string, given: unknown): Error {
  const message = `\`${option}\` must be ${rule}; got ${given === null ? 'null' : `a value of the type ${typeof given}`}`
  return new errors.E_INVALID_OPTION(message, { details: { option } })
}

/** Whether it is an object with such a method: drivers are told by what they can do. */
export function hasMethod(given: unknown, method: string): boolean {
  return typeof given === 'object' && given !== null && typeof (given as Record<string, unknown>)[method] === 'function'
}
