import { preparePostgres } from '../servers/prepare-postgres.ts'
import { startSingleServer } from './single-server.ts'
import type { TortureDatabase } from './torture-database.ts'

/** Killed with all its children; an immediate stop; an orderly one, which tells every session. */
export const POSTGRES_ENDS = ['SIGKILL', 'SIGQUIT', 'SIGINT'] as const

/** One Postgres 18. */
export const startPostgresNewest = () => startOne('postgres', 'postgres-18')

/** One Postgres 14, the oldest that is supported. */
export const startPostgresOldest = () => startOne('postgres-14', 'postgres-14')

async function startOne(name: string, packageName: string): Promise<TortureDatabase> {
  const server = await preparePostgres(packageName)
  return await startSingleServer({ name, family: 'postgres', product: 'PostgreSQL', server, signals: POSTGRES_ENDS })
}
