import { CompiledQuery, type Kysely } from 'kysely'
import type { SqlExecutor } from './executor.ts'

/**
 * Sends through any Kysely instance, without its plugins: a `CamelCasePlugin` would rename our columns.
 * Works with Kysely 0.28 and 0.29.
 */
// biome-ignore lint/suspicious/noExplicitAny: whatever tables the caller's database has
export function kyselyExecutor(connection: Kysely<any>): SqlExecutor {
  const plain = connection.withoutPlugins()
  return {
    async execute({ sql }, values) {
      const { rows, numAffectedRows, insertId } = await plain.executeQuery(CompiledQuery.raw(sql, [...values]))
      return {
        rows: rows as Record<string, unknown>[],
        affectedRows: Number(numAffectedRows ?? rows.length),
        insertId: Number(insertId ?? 0),
      }
    },
  }
}

/** Whether the adapter looks like SQLite's. Only saves a question; the database itself decides. */
// biome-ignore lint/suspicious/noExplicitAny: whatever tables the caller's database has
export function isSqliteLikely(connection: Kysely<any>): boolean {
  const { supportsReturning, supportsTransactionalDdl } = connection.getExecutor().adapter
  return supportsReturning === true && supportsTransactionalDdl !== true
}
