import { schemaStatements } from '../../src/schema/create-migrations.ts'
import type { Place } from '../places/place.ts'

/** The table of this library, as its migrations make it. */
export async function createLockTable(place: Place, tableName: string | undefined): Promise<void> {
  const family = place.name === 'mariadb' ? 'mysql' : place.name
  if (family === 'redis') throw new Error('Redis has no tables')
  for (const sql of schemaStatements(family, tableName === undefined ? {} : { tableName })) await place.send(sql)
}
