import type { TestedServer } from './tested-server.ts'

/**
 * Fewer than there are, so that no test has to open hundreds: on Postgres for the throwaway database only.
 *
 * @returns what takes the limit away
 */
export async function limitConnections({ family, admin }: TestedServer, most: number): Promise<() => Promise<unknown>> {
  const [row] = await admin.query(
    family === 'postgres' ? 'select current_database() as name' : 'select @@global.max_connections as usual',
  )
  const limit = (to: unknown) =>
    admin.query(
      family === 'postgres'
        ? `alter database ${row?.name} connection limit ${to}`
        : `set global max_connections = ${to}`,
    )
  await limit(most)
  return () => limit(row?.usual ?? -1)
}
