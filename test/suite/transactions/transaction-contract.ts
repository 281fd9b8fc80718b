import { describe } from 'vitest'
import type { TransactionBackend } from '../../support/transactions/transaction-backend.ts'
import { conditionsWithin } from './conditions-within.ts'
import { guarding } from './guarding.ts'
import { leasesWithin } from './leases-within.ts'
import { lockingUntilCommit } from './locking-until-commit.ts'
import { nothingChanged } from './nothing-changed.ts'
import { isolationLevelsOf, transactionContext } from './transaction-context.ts'
import { troubleWithin } from './trouble-within.ts'
import { waitingWithin } from './waiting-within.ts'

/** What locks in a transaction of the caller's promise, by whatever library the transaction is. */
export function transactionContract(backend: TransactionBackend): void {
  describe(`${backend.name}, in a transaction`, () => {
    const context = transactionContext(backend)
    for (const isolation of isolationLevelsOf(backend)) {
      describe(isolation ?? 'default isolation', () => {
        describe('G10 leases', () => leasesWithin(context, isolation))
        describe('locks until commit', () => lockingUntilCommit(context, isolation))
        describe('G3 guards', () => guarding(context, isolation))
        describe('conditions', () => conditionsWithin(context, isolation))
        describe('G11 trouble', () => troubleWithin(context, isolation))
        describe('waiting', () => waitingWithin(context, isolation))
        describe("G9 the caller's things", () => nothingChanged(context, isolation))
      })
    }
  })
}
