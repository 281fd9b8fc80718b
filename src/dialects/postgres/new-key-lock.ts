import { createHash } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'

/**
 * The 64-bit number that stands for a key in Postgres's advisory locks, where keys have no names of their own. Two keys that share a number only
 * ever keep each other from being created at the very same moment. Computed by the database, for new keys only; the seed stands for the table.
 */
export function newKeyLock({ schema, tableName }: ResolvedTable, key: RawBuilder<unknown>): RawBuilder<unknown> {
  const digest = createHash('sha256')
    .update(`verrou-sql\0${schema ?? ''}\0${tableName}`)
    .digest()
  return sql`hashtextextended(${key}, ${sql.raw(digest.readBigInt64BE().toString())})`
}
