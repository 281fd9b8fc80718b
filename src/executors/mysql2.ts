import type { Answer } from '../statement.ts'
import type { SqlExecutor } from './executor.ts'

/** The part of a `mysql2/promise` pool that is used; checked against the real types in the tests. */
export interface Mysql2PoolLike {
  /** Prepares the statement, once per connection, and sends it. */
  // biome-ignore lint/suspicious/noExplicitAny: mysql2's result is a union that depends on the statement
  execute(sql: string, values: any[]): Promise<[any, any]>
  /** The pool with callbacks that it stands on. Missing: the store has no connection of its own. */
  readonly pool?: unknown
}

/** A pool of `mysql2` with callbacks, as Kysely has it. */
export interface Mysql2CallbackPoolLike {
  /** The same connections as a pool of promises. */
  promise(): Mysql2PoolLike
}

/** Sends through a `mysql2/promise` pool, as prepared statements, which mysql2 keeps per connection by their text. */
export function mysql2Executor(pool: Mysql2PoolLike): SqlExecutor {
  return {
    async execute({ sql }, values) {
      const [result] = await pool.execute(sql, [...values])
      return mysql2Answer(result)
    },
  }
}

/** What `mysql2` brings back, rows or effects. */
// biome-ignore lint/suspicious/noExplicitAny: mysql2's result is a union that depends on the statement
export function mysql2Answer(result: any): Answer {
  if (Array.isArray(result)) return { rows: result, affectedRows: 0, insertId: 0 }
  return { rows: [], affectedRows: result.affectedRows, insertId: Number(result.insertId) }
}
