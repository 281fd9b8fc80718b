import { createHash } from 'node:crypto'
import type { ResolvedTable } from '../options.ts'

/** Stands for the table in the names of prepared statements, which are cut off at 63 bytes. `prepare`: `false`: no statement has a name. */
export function nameSuffix({ schema = '', tableName }: ResolvedTable, prepare = true): string | null {
  return prepare ? createHash('sha256').update(`${schema}.${tableName}`).digest('hex').slice(0, 12) : null
}
