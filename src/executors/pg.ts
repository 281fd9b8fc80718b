import type { SqlExecutor } from './executor.ts'

/** The part of a `pg.Pool` that is used; checked against the real types in the tests. */
export interface PgPoolLike {
  /** Sends one statement on any connection. */
  query(query: { name?: string; text: string; values: unknown[] }): Promise<{
    rows: Record<string, unknown>[]
    rowCount: number | null
  }>
}

/**
 * Sends through a `pg.Pool`, as named prepared statements: the server parses and plans each once per connection.
 * The name contains the table's, since one pool may serve several stores.
 */
export function pgExecutor(pool: PgPoolLike, nameSuffix: string | null): SqlExecutor {
  return {
    async execute({ name, sql }, values) {
      const query = { text: sql, values: [...values] }
      const prepares = name !== undefined && nameSuffix !== null
      const { rows, rowCount } = await pool.query(prepares ? { ...query, name: `verrou-${name}-${nameSuffix}` } : query)
      return { rows, affectedRows: rowCount ?? 0, insertId: 0 }
    },
  }
}
