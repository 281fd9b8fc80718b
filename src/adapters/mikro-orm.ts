import '../node-version.ts'
import type { CallerTransaction } from '../caller-transaction.ts'
import { errors } from '../errors.ts'
import { invalidOption } from '../options.ts'
import { withQuestionMarks } from './placeholders.ts'

export type { CallerTransaction, TransactionAnswer, TransactionStatement } from '../caller-transaction.ts'

/** The part of an `EntityManager` of MikroORM that is used; checked against the real types in the tests. */
export interface MikroOrmEntityManagerLike {
  /** The transaction that is open on it: one of Kysely's. */
  getTransactionContext(): { readonly isCommitted?: boolean; readonly isRolledBack?: boolean } | undefined
  /** Where statements are sent through. */
  getConnection(): {
    /** Sends a statement on the given transaction. Its placeholders are question marks on every database. */
    // biome-ignore lint/suspicious/noExplicitAny: as in MikroORM
    execute(sql: string, values: any[], method: 'run', transaction: any): Promise<any>
  }
}

/**
 * A transaction of MikroORM, for `verrou.within(…)` and `lock.guard(…)`. Postgres, MySQL, MariaDB, SQLite.
 *
 * Entities that you have changed are written when MikroORM flushes them, which is before the commit: call `em.flush()`
 * first if a lock must come after them.
 *
 * SQLite: MikroORM brings a `better-sqlite3` of its own. If the store has another copy (`npm ls better-sqlite3`), pin both to
 * one by `overrides`: two copies of SQLite in one process do not respect each other's locks on a file.
 * https://www.sqlite.org/howtocorrupt.html#multiple_copies_of_sqlite_linked_into_the_same_application
 *
 * @param em the `EntityManager` that `em.transactional` calls back with, or any other after `em.begin()`
 * @throws LockError `E_INVALID_OPTION`: it is something else, or no transaction is open on it. Statements after its end
 * are refused with `E_TRANSACTION_REQUIRED`; nothing is sent then.
 * @example
 * await orm.em.transactional(async (em) => {
 *   await verrou.within(fromMikroOrm(em)).lockUntilCommit('account:7')
 *   const account = await em.findOneOrFail(Account, 7)
 *   account.balance -= 5
 * })
 */
export function fromMikroOrm(em: MikroOrmEntityManagerLike): CallerTransaction {
  const isManager = typeof em?.getTransactionContext === 'function' && typeof em.getConnection === 'function'
  // Now, not later: the same manager can begin another transaction.
  const transaction = isManager ? em.getTransactionContext() : undefined
  if (transaction === undefined) {
    throw invalidOption('em', 'a transaction of MikroORM: the `em` that `em.transactional` calls back with', em)
  }
  const connection = em.getConnection()
  return {
    handle: transaction,
    async execute({ sql }, values) {
      if (transaction.isCommitted === true || transaction.isRolledBack === true) {
        throw new errors.E_TRANSACTION_REQUIRED('the transaction of MikroORM has ended')
      }
      const { rows, affectedRows, insertId } = await connection.execute(
        withQuestionMarks(sql),
        [...values],
        'run',
        transaction,
      )
      return { rows, affectedRows, insertId: insertId ?? 0 }
    },
  }
}
