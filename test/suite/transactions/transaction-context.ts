import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll } from 'vitest'
import type { LockFactory, TransactionLocks } from '../../../src/index.ts'
import type {
  BeginOptions,
  BegunTransaction,
  IsolationLevel,
  OpenTransactions,
  TransactionBackend,
} from '../../support/transactions/transaction-backend.ts'

/** A transaction of a test, with the locks on it. */
export interface TestTransaction extends BegunTransaction {
  readonly locks: TransactionLocks
}

/** What the tests of the transaction suite share. */
export interface TransactionContext {
  readonly backend: TransactionBackend
  readonly open: OpenTransactions
  /** Locks outside of every transaction, as another process has them. */
  readonly locks: LockFactory
  /** A table of the caller's with the columns `id` and `body`. */
  readonly work: string
  key(): string
  begin(options?: BeginOptions): Promise<TestTransaction>
}

/** Opens the backend before the tests of the surrounding `describe`. No transaction outlives its test. */
export function transactionContext(backend: TransactionBackend): TransactionContext {
  const work = `work_${randomBytes(4).toString('hex')}`
  let open: OpenTransactions | undefined
  let locks: LockFactory | undefined
  const begun = new Set<BegunTransaction>()
  const opened = () => {
    if (!open || !locks) throw new Error('the backend is opened before the tests, not before')
    return { open, locks }
  }

  beforeAll(async () => {
    open = await backend.open()
    locks = open.table.factory()
    await open.table.send(`create table ${work} (id integer not null primary key, body varchar(100) not null)`)
  })
  afterEach(async () => {
    for (const transaction of begun) await transaction.rollback().catch(() => {})
    begun.clear()
    await open?.table.send(`delete from ${work}`)
  })
  afterAll(async () => {
    await open?.table.send(`drop table ${work}`)
    await open?.close()
  })

  return {
    backend,
    work,
    get open() {
      return opened().open
    },
    get locks() {
      return opened().locks
    },
    key: () => `key:${randomBytes(6).toString('hex')}`,
    async begin(options) {
      const transaction = await opened().open.begin(options)
      begun.add(transaction)
      const ended = (end: () => Promise<void>) => () => {
        begun.delete(transaction)
        return end()
      }
      return {
        transaction: transaction.transaction,
        // MySQL does not tell the level of a transaction.
        locks: opened().locks.within(transaction.transaction, { isolationLevel: options?.isolation }),
        send: (text) => transaction.send(text),
        commit: ended(() => transaction.commit()),
        rollback: ended(() => transaction.rollback()),
      }
    },
  }
}

/** SQLite has one level, which is none of these by name. */
export function isolationLevelsOf({ family }: TransactionBackend): readonly (IsolationLevel | undefined)[] {
  return family === 'sqlite' ? [undefined] : ['read committed', 'repeatable read', 'serializable']
}
