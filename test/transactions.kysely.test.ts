import { test } from 'vitest'
import { transactionContract } from './suite/transactions/transaction-contract.ts'
import { kyselyTransactionBackends } from './support/transactions/kysely.ts'

for (const backend of kyselyTransactionBackends()) transactionContract(backend)

test.runIf(kyselyTransactionBackends().length === 0)('nothing to test: no database of this file is selected', () => {})
