import { afterAll, describe, test } from 'vitest'
import { contract } from './suite/contract.ts'
import { DIRECT, SESSION_CASES, startCase } from './support/pgbouncer-cases.ts'
import { kyselyBackend, pgBackend } from './support/sql-backend.ts'

for (const pooler of SESSION_CASES.slice(-1)) {
  const pgbouncer = await startCase(pooler)
  describe.runIf(pgbouncer)(pooler.name, () => {
    const url = pgbouncer?.url as string
    afterAll(() => pgbouncer?.stop())
    contract(pgBackend('postgres', url))
    if (pooler.suite === 'bookworm') contract(kyselyBackend('postgres', 'postgres', url))
  })
}

test.runIf(!DIRECT)('nothing to test: no Postgres is selected', () => {})
