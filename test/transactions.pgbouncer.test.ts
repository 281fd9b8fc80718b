import { afterAll, describe, test } from 'vitest'
import { transactionContract } from './suite/transactions/transaction-contract.ts'
import { DIRECT, SESSION_CASES, startCase, TRANSACTION_CASES, transactionsThrough } from './support/pgbouncer-cases.ts'
import { kyselyTransactionBackends } from './support/transactions/kysely.ts'
import { pgBackends } from './support/transactions/pg.ts'

for (const pooler of [...TRANSACTION_CASES, ...SESSION_CASES.slice(0, 1)]) {
  const pgbouncer = await startCase(pooler)
  describe.runIf(pgbouncer)(pooler.name, () => {
    afterAll(() => pgbouncer?.stop())
    if (!pgbouncer) return
    for (const backend of transactionsThrough(pgbouncer, pgBackends)) transactionContract(backend)
    // Kysely names no statement: to it, one pooler is as good as the other.
    if (pooler.suite !== 'bookworm') return
    for (const backend of transactionsThrough(pgbouncer, kyselyTransactionBackends)) transactionContract(backend)
  })
}

test.runIf(!DIRECT)('nothing to test: no Postgres is selected', () => {})
