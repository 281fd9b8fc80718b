import type { SqlExecutor } from './executor.ts'

/** The part of a `pg.Pool` that is used; checked against the real types in the tests. */
export interface PgPoolLike {
  /** Sends one statement on any connection. */
  query(query: { name?: string; text: string; values: unknown[] }): Promise<{
    rows: Record<string, unknown>[]
    rowCount: number | null
  }>
  /** The class of the pool's connections. A pool has it, though its types do not say so. */
  readonly Client?: unknown
  /** What the pool makes its connections with. Missing, or without the class: the store has no connection of its own. */
  readonly options?: object
}

/**
 * Sends through a `pg.Pool` (or one client), as named prepared statements: the server parses and plans each once per connection.
 * The name contains the table's, since one pool may serve several stores.
 */
export function pgExecutor(pool: Pick<PgPoolLike, 'query'>, nameSuffix: string | null): SqlExecutor {
  return {
    async execute({ name, sql }, values) {
      const query = { text: sql, values: [...values] }
      const prepares = name !== undefined && nameSuffix !== null
      const { rows, rowCount } = await pool.query(prepares ? { ...query, name: `verrou-${name}-${nameSuffix}` } : query)
      return { rows, affectedRows: rowCount ?? 0, insertId: 0 }
    },
  }
}
