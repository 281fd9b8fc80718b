import { createHash } from 'node:crypto'
import type { Answer } from '../statement.ts'
import type { SqlExecutor, Wording } from './executor.ts'

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
 * invalid_sql_statement_name: the server that a pooler has chosen now does not know the name; duplicate_prepared_statement: it
 * knows it already, from another client. Either is found out before anything is carried out.
 */
const NAMES_ARE_MIXED_UP = ['26000', '42P05']

/**
 * Sends through a `pg.Pool` (or one client), as named prepared statements: the server parses and plans each once per connection.
 * Where a pooler mixes up the names of its clients (PgBouncer in transaction mode, without `max_prepared_statements`), the statement is
 * sent again without a name, and so is everything after that.
 *
 * @param nameSuffix stands in the names; `null`: no statement has a name
 */
export function pgExecutor(pool: Pick<PgPoolLike, 'query'>, nameSuffix: string | null): SqlExecutor {
  const names = new Map<string, string>()
  let isNaming = nameSuffix !== null

  const nameOf = ({ name, sql, isPlannedAnew }: Wording): string | undefined => {
    if (!isNaming || name === undefined || isPlannedAnew) return undefined
    const known = names.get(sql)
    if (known !== undefined) return known
    const made = `verrou-${name}-${nameSuffix}-${fingerprint(sql)}`
    names.set(sql, made)
    return made
  }
  const send = async (sql: string, values: readonly unknown[], name?: string): Promise<Answer> => {
    const query = { text: sql, values: [...values] }
    const { rows, rowCount } = await pool.query(name === undefined ? query : { ...query, name })
    return { rows, affectedRows: rowCount ?? 0, insertId: 0 }
  }

  return {
    async execute(wording, values) {
      const name = nameOf(wording)
      if (name === undefined) return send(wording.sql, values)
      try {
        return await send(wording.sql, values, name)
      } catch (error) {
        if (!NAMES_ARE_MIXED_UP.includes((error as { code?: string } | null)?.code ?? '')) throw error
        isNaming = false
        return send(wording.sql, values)
      }
    },
  }
}

/**
 * Of the text: behind such a pooler, a name may lead to what another version of this library has prepared under it, on a table of the same
 * name. Short, since names are cut off at 63 bytes.
 */
function fingerprint(sql: string): string {
  return createHash('sha256').update(sql).digest('hex').slice(0, 12)
}
