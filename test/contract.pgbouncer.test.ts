import { afterAll, describe, test } from 'vitest'
import { contract } from './suite/contract.ts'
import { DIRECT, othersComeDirectly, startCase, TRANSACTION_CASES } from './support/pgbouncer-cases.ts'
import { kyselyBackend, pgBackend } from './support/sql-backend.ts'

for (const pooler of TRANSACTION_CASES) {
  const pgbouncer = await startCase(pooler)
  describe.runIf(pgbouncer)(pooler.name, () => {
    const url = pgbouncer?.url as string
    afterAll(() => pgbouncer?.stop())
    contract(othersComeDirectly(pgBackend('postgres', url)))
    // Kysely names no statement: to it, one pooler is as good as the other.
    if (pooler.suite === 'bookworm') contract(kyselyBackend('postgres', 'postgres', url))
  })
}

test.runIf(!DIRECT)('nothing to test: no Postgres is selected', () => {})
