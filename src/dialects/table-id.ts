import { type RawBuilder, sql } from 'kysely'
import type { ResolvedTable } from '../options.ts'

/** The table as an identifier that every compiler quotes. */
export function tableId({ schema, tableName }: ResolvedTable): RawBuilder<unknown> {
  return schema === undefined ? sql.id(tableName) : sql.id(schema, tableName)
}
