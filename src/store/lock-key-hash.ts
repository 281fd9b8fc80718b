import { createHash } from 'node:crypto'
import type { ResolvedTable } from '../options.ts'

/**
 * The 64-bit number that stands for a key in Postgres's advisory locks, where keys have no names of their own. Two keys
 * that share a number only ever keep each other from being created at the very same moment.
 */
export function lockKeyHash({ schema, tableName }: ResolvedTable, key: string): string {
  const digest = createHash('sha256')
    .update(`verrou-sql\0${schema ?? ''}\0${tableName}\0${key}`)
    .digest()
  return digest.readBigInt64BE().toString()
}
