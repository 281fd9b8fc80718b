import '../node-version.ts'
import type { CallerTransaction, TransactionAnswer } from '../caller-transaction.ts'
import { errors } from '../errors.ts'
import { invalidOption } from '../options.ts'
import { mysql2Reply } from './mysql2-reply.ts'
import { withNumbers } from './placeholders.ts'

export type { CallerTransaction, TransactionAnswer, TransactionStatement } from '../caller-transaction.ts'

/** A transaction of Sequelize, as its types show it; checked against the real types in the tests. */
export interface SequelizeTransactionLike {
  /** What tells it from `sequelize` itself, which has no such method. */
  // biome-ignore lint/suspicious/noExplicitAny: it is not called
  afterCommit(callback: (transaction: any) => any): void
}

/** The part of it that is used, which the types of Sequelize 6 do not show. */
interface SequelizeTransaction {
  readonly finished?: string
  readonly sequelize: {
    getDialect(): string
    query(sql: string, options: object): Promise<readonly unknown[]>
  }
}

/**
 * A transaction of Sequelize 6, for `verrou.within(…)` and `lock.guard(…)`. Postgres, and MySQL and MariaDB through its dialect
 * `mysql`.
 *
 * Not SQLite: Sequelize throws away the rows of `insert … returning` there. Its option `retry` repeats none of these
 * statements. When MySQL reports a deadlock, Sequelize itself rolls the transaction back.
 *
 * @param transaction what `sequelize.transaction` returns or calls back with, not `sequelize` itself. A nested transaction
 * (a savepoint) is one of its own.
 * @throws LockError `E_INVALID_OPTION`: it is something else. `E_UNSUPPORTED`: on SQLite. Statements after its end are
 * refused with `E_TRANSACTION_REQUIRED`; nothing is sent then.
 * @example
 * await sequelize.transaction(async (transaction) => {
 *   await verrou.within(fromSequelize(transaction)).lockUntilCommit('account:7')
 *   await Account.decrement({ balance: 5 }, { where: { id: 7 }, transaction })
 * })
 */
export function fromSequelize(transaction: SequelizeTransactionLike): CallerTransaction {
  if (!isTransaction(transaction)) {
    throw invalidOption(
      'transaction',
      'a transaction of Sequelize: what `sequelize.transaction` returns or calls back with, not `sequelize`',
      transaction,
    )
  }
  const { sequelize } = transaction
  if (sequelize.getDialect() === 'sqlite') {
    throw new errors.E_UNSUPPORTED('on SQLite, Sequelize throws away the rows of `insert … returning`')
  }
  return {
    handle: transaction,
    async execute({ sql, returnsRows }, values) {
      if (transaction.finished) throw new errors.E_TRANSACTION_REQUIRED('the transaction of Sequelize has ended')
      const type = returnsRows ? 'SELECT' : 'RAW'
      const options = { ...OPTIONS, type, transaction, bind: [...values] }
      const result = await sequelize.query(asBindText(sql), options).catch(throwDriverError)
      return returnsRows ? { rows: result as Row[], affectedRows: result.length, insertId: 0 } : answer(result)
    },
  }
}

type Row = Record<string, unknown>

/** Whatever the caller's defaults are: rows as they are, one statement, once, and no `set search_path` before it. */
const OPTIONS = { raw: true, nest: false, plain: false, retry: { max: 1 }, supportsSearchPath: false }

function isTransaction(given: unknown): given is SequelizeTransactionLike & SequelizeTransaction {
  const { afterCommit, sequelize } = (given ?? {}) as Partial<SequelizeTransactionLike & SequelizeTransaction>
  return typeof afterCommit === 'function' && typeof sequelize?.query === 'function'
}

/** Sequelize's placeholders are `$1`, `$2`, … on every database. What else it would take for one in a table's name: `$$`. */
function asBindText(sql: string): string {
  return withNumbers(sql.replaceAll(/\B\$(?!\d)/g, '$$$$'))
}

/** Sequelize 6 has the driver's error as `parent`, not as its cause. */
function throwDriverError(error: unknown): never {
  throw (error as { parent?: unknown } | null)?.parent ?? error
}

/** The driver's reply and more. Of MySQL's `insert into`, the insert id and the number of rows. */
function answer([reply, count]: readonly unknown[]): TransactionAnswer {
  if (typeof count === 'number') return { rows: [], affectedRows: count, insertId: Number(reply) }
  return mysql2Reply(reply)
}
