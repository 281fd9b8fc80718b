import { hash } from 'node:crypto'
import type { ResolvedTable } from '../options.ts'

/**
 * What the names of a session lock are cut from: 64 hexadecimal digits (which cost a quarter of what a Buffer does). Another namespace than that of new keys, and one for each table: stores on
 * different tables do not meet.
 */
export function sessionDigest({ schema, tableName }: ResolvedTable, database: string, key: string): string {
  return hash('sha256', `verrou-sql session\0${database}\0${schema ?? ''}\0${tableName}\0${key}`, 'hex')
}
