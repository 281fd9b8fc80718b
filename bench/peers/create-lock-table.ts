import { schemaStatements } from '../../src/schema/create-migrations.ts'
import type { Place } from '../places/place.ts'

/** The table of this library, as its migrations make it, unless another contender has made it. */
export async function createLockTable(place: Place, tableName = 'verrou_locks'): Promise<void> {
  const family = place.name === 'mariadb' ? 'mysql' : place.name
  if (family === 'redis') throw new Error('Redis has no tables')
  const isThere = await place.send(`select 1 from ${tableName} limit 1`).then(
    () => true,
    () => false,
  )
  if (isThere) return
  for (const sql of schemaStatements(family, { tableName })) await place.send(sql)
}
