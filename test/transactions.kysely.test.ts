import { transactionContract } from './suite/transactions/transaction-contract.ts'
import { kyselyTransactionBackends } from './support/transactions/kysely.ts'

for (const backend of kyselyTransactionBackends()) transactionContract(backend)
