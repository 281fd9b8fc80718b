import { type RawBuilder, sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'

/**
 * The 64-bit number that stands for a key in Postgres's advisory locks, where keys have no names of their own. Two keys that share a number only
 * ever keep each other from being created at the very same moment. Computed by the database, which does so for new keys only.
 */
export function newKeyLock({ schema, tableName }: ResolvedTable, key: RawBuilder<unknown>): RawBuilder<unknown> {
  const namespace = Buffer.from(`verrou-sql\0${schema ?? ''}\0${tableName}\0`).toString('hex')
  const name = sql`decode(${sql.lit(namespace)}, 'hex') || convert_to(${key}, 'UTF8')`
  return sql`('x' || encode(substr(sha256(${name}), 1, 8), 'hex'))::bit(64)::bigint`
}
