import type { SqlExecutor } from './executor.ts'

/** The part of a `mysql2/promise` pool that is used; checked against the real types in the tests. */
export interface Mysql2PoolLike {
  /** Prepares the statement, once per connection, and sends it. */
  // biome-ignore lint/suspicious/noExplicitAny: mysql2's result is a union that depends on the statement
  execute(sql: string, values: any[]): Promise<[any, any]>
}

/** Sends through a `mysql2/promise` pool, as prepared statements, which mysql2 keeps per connection by their text. */
export function mysql2Executor(pool: Mysql2PoolLike): SqlExecutor {
  return {
    async execute({ sql }, values) {
      const [result] = await pool.execute(sql, [...values])
      if (Array.isArray(result)) return { rows: result, affectedRows: 0, insertId: 0 }
      return { rows: [], affectedRows: result.affectedRows, insertId: Number(result.insertId) }
    },
  }
}
