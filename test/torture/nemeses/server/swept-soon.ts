import { dialectNamed } from '../../../../src/dialects/detect.ts'
import { RETENTION_US } from '../../../../src/dialects/dialect.ts'
import { resolveTable } from '../../../../src/options.ts'
import type { Statement, StatementInput } from '../../../../src/statement.ts'

/** A statement of the sweep, ready to be sent. */
export interface SweepStatement {
  readonly sql: string
  values(input: Partial<StatementInput>): unknown[]
}

/**
 * The library's own two statements of the sweep, for rows that have been free for milliseconds in place of an hour. Nothing else
 * in them is changed: run records stay for as long as ever.
 */
export function sweptSoon(
  family: 'sqlite' | 'postgres' | 'mysql',
  tableName: string,
  retentionMs: number,
): { readonly look: SweepStatement; readonly remove: SweepStatement } {
  const dialect = dialectNamed(family, resolveTable({ tableName }))
  const changed = ({ sql, parameters }: Statement): SweepStatement => ({
    sql: withRetention(sql, retentionMs),
    values: (input) => parameters.map((name) => dialect.encode(name, input[name] as never)),
  })
  return { look: changed(dialect.statements.sweepLook), remove: changed(dialect.statements.sweepDelete) }
}

function withRetention(sql: string, retentionMs: number): string {
  const [before, after, ...others] = sql.split(new RegExp(`\\b${RETENTION_US}\\b`))
  if (before === undefined || after === undefined || others.length > 0)
    throw new Error(`not injected: the retention stands in this statement not exactly once:\n${sql}`)
  return `${before}${Math.round(retentionMs * 1000)}${after}`
}
