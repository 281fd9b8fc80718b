import { type RawBuilder, sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'

/**
 * Tells whoever listens, at the commit, that a key may be free. The channel is the table's name, which has at most the 63 bytes that a
 * channel may have; the payload, the key. https://www.postgresql.org/docs/current/sql-notify.html
 *
 * Said by what frees the key, and only if it is `wanted`, since commits that notify take turns. In `returning`, which sees the row as it was
 * changed: a mark counts though it was made while the statement waited for the row. The function's own result goes no further: some drivers
 * have no type for `void`.
 */
export function tellListeners({ tableName }: ResolvedTable): RawBuilder<unknown> {
  return sql`pg_notify(${sql.lit(tableName)}, locks.key)`
}
