import { afterAll, test } from 'vitest'
import { isSelected } from '../../servers/selection.ts'
import { createDatabase } from '../../support/throwaway-database.ts'
import { startPostgresNewest } from '../databases/postgres.ts'
import type { TortureDatabase } from '../databases/torture-database.ts'
import { catchBrokenBuilds } from './catch-broken-builds.ts'

let server: Promise<TortureDatabase> | undefined

if (isSelected('postgres-18')) {
  catchBrokenBuilds('postgres', ownDatabase)
  afterAll(async () => (await server)?.stop())
}

test.runIf(!isSelected('postgres-18'))('nothing to test: the database is not selected', () => {})

/** A database for each build; the server is started once, which takes longer than most builds survive. */
async function ownDatabase(): Promise<TortureDatabase> {
  server ??= startPostgresNewest()
  const started = await server
  const { url, drop } = await createDatabase({
    ...{ name: 'postgres-18', version: started.version, family: 'postgres' },
    url: started.adminUrl(),
  })
  return {
    ...started,
    adminUrl: () => url,
    workerUrl: () => url,
    async stop() {
      await started.heal()
      await drop()
    },
  }
}
