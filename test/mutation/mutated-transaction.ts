import { kyselyTransaction } from '../../src/executors/kysely.ts'
import type { KyselyTransactionLike, TransactionLike } from '../../src/index.ts'
import type { TableAddress } from '../support/contract-backend.ts'
import { mutated } from './mutated.ts'

/** A transaction of Kysely as it is, or one that gets the broken statement if VERROU_MUTANT names one. */
export function mutatedTransaction(
  transaction: KyselyTransactionLike,
  { family, tableName }: TableAddress,
): TransactionLike {
  if (!process.env.VERROU_MUTANT) return transaction
  const broken = mutated(family, tableName)
  const { handle, execute } = kyselyTransaction(transaction)
  return { handle, execute: (statement, values) => execute({ ...statement, sql: broken(statement.sql) }, values) }
}
