import { describe, test } from 'vitest'
import { conditionsWithin } from './suite/transactions/conditions-within.ts'
import { guarding } from './suite/transactions/guarding.ts'
import { leasesWithin } from './suite/transactions/leases-within.ts'
import { lockingUntilCommit } from './suite/transactions/locking-until-commit.ts'
import { nothingChanged } from './suite/transactions/nothing-changed.ts'
import {
  isolationLevelsOf,
  type TransactionContext,
  transactionContext,
} from './suite/transactions/transaction-context.ts'
import { troubleWithin } from './suite/transactions/trouble-within.ts'
import { waitingWithin } from './suite/transactions/waiting-within.ts'
import { type Backend, ONE_OF_EACH } from './support/backends.ts'
import type { ContractBackend } from './support/contract-backend.ts'
import { lackingBackend } from './support/lacking-backend.ts'
import { serverAddress } from './support/server-address.ts'
import { mysqlBackend, pgBackend } from './support/sql-backend.ts'
import { kyselyTransactionBackend } from './support/transactions/kysely.ts'

for (const server of ONE_OF_EACH) {
  const tables = portableTables(server)
  const backend = kyselyTransactionBackend(tables.name, tables)

  describe(`${backend.name}, in a transaction`, () => {
    const context = transactionContext(backend)
    for (const isolation of isolationLevelsOf(backend)) {
      describe(isolation ?? 'default isolation', () => {
        describe('G10 leases', () => leasesWithin(context, isolation))
        describe('locks until commit', () => lockingUntilCommit(context, isolation))
        describe('G3 guards', () => guarding(keepingExtensionsOut(context), isolation))
        describe('conditions', () => conditionsWithin(context, isolation))
        describe('G11 trouble', () => troubleWithin(context, isolation))
        describe('waiting', () => waitingWithin(context, isolation))
        describe("G9 the caller's things", () => nothingChanged(context, isolation))
      })
    }
  })
}

/** Of a server that is named by a URL with `portable=true`, as it is. Of ours: without the features. */
function portableTables(server: Backend): ContractBackend {
  const { name, family, url } = server
  if (serverAddress(url).portable) return family === 'postgres' ? pgBackend(name, url) : mysqlBackend(name, url)
  return family === 'postgres' ? lackingBackend(server, 'pg') : mysqlBackend(`portable ${name}`, `${url}?portable=true`)
}

/** A portable guard keeps extensions out on Postgres, too: the tests of guards ask for that by the family. */
function keepingExtensionsOut(context: TransactionContext): TransactionContext {
  return Object.create(context, { backend: { value: { ...context.backend, family: 'mysql' } } })
}

test.runIf(ONE_OF_EACH.length === 0)('nothing to test: no server is selected', () => {})
