import '../node-version.ts'
import type { CallerTransaction } from '../caller-transaction.ts'
import { errors } from '../errors.ts'
import { invalidOption } from '../options.ts'
import { mysql2Reply } from './mysql2-reply.ts'

export type { CallerTransaction, TransactionAnswer, TransactionStatement } from '../caller-transaction.ts'

/** The part of a `QueryRunner` of TypeORM that is used; checked against the real types in the tests. */
export interface TypeOrmQueryRunnerLike {
  /** Whether TypeORM has begun a transaction on it. */
  readonly isTransactionActive: boolean
  /** Sends a statement, with the placeholders of the database. */
  query(
    sql: string,
    // biome-ignore lint/suspicious/noExplicitAny: as in TypeORM
    values: any[],
    useStructuredResult: true,
    // biome-ignore lint/suspicious/noExplicitAny: as in TypeORM
  ): Promise<{ raw: any; records: any[]; affected?: number }>
}

/** The part of an `EntityManager` of TypeORM that is used; checked against the real types in the tests. */
export interface TypeOrmManagerLike {
  /** Only the manager of a transaction, or of a query runner, has one. */
  readonly queryRunner?: TypeOrmQueryRunnerLike
}

/**
 * A transaction of TypeORM, for `verrou.within(…)` and `lock.guard(…)`. Postgres, MySQL and MariaDB through `mysql2`, SQLite
 * through `better-sqlite3`.
 *
 * @param transaction the `EntityManager` that `dataSource.transaction` calls back with, or a `QueryRunner` after
 * `startTransaction()`. Not the `DataSource` or its manager, which may send each statement on another connection.
 * @throws LockError `E_INVALID_OPTION`: it is something else, or no transaction is open. Statements after its end are
 * refused with `E_TRANSACTION_REQUIRED`; nothing is sent then.
 * @example
 * await dataSource.transaction(async (manager) => {
 *   await verrou.within(fromTypeOrm(manager)).lockUntilCommit('account:7')
 *   await manager.decrement(Account, { id: 7 }, 'balance', 5)
 * })
 */
export function fromTypeOrm(transaction: TypeOrmManagerLike | TypeOrmQueryRunnerLike): CallerTransaction {
  const runner = queryRunnerOf(transaction)
  if (runner?.isTransactionActive !== true) {
    throw invalidOption(
      'transaction',
      'a transaction of TypeORM: the `manager` of `dataSource.transaction`, or a `QueryRunner` after `startTransaction()`',
      transaction,
    )
  }
  return {
    // A new one each time: a query runner has one transaction after the other.
    handle: {},
    async execute({ sql }, values) {
      if (!runner.isTransactionActive) {
        throw new errors.E_TRANSACTION_REQUIRED('the transaction of TypeORM has ended')
      }
      const { raw, records = [], affected } = await runner.query(sql, [...values], true).catch(throwDriverError)
      // The reply of mysql2 to a statement without rows.
      if (typeof raw?.serverStatus === 'number') return mysql2Reply(raw)
      return { rows: records, affectedRows: affected ?? records.length, insertId: 0 }
    },
  }
}

/** The manager of a data source has none. */
function queryRunnerOf(given: unknown): TypeOrmQueryRunnerLike | undefined {
  if (typeof given !== 'object' || given === null) return undefined
  const runner = 'isTransactionActive' in given ? given : (given as TypeOrmManagerLike).queryRunner
  return typeof (runner as TypeOrmQueryRunnerLike | undefined)?.query === 'function'
    ? (runner as TypeOrmQueryRunnerLike)
    : undefined
}

/** TypeORM's error has the driver's as `driverError`, not as its cause, with its class and message changed. */
function throwDriverError(error: unknown): never {
  throw (error as { driverError?: unknown } | null)?.driverError ?? error
}
