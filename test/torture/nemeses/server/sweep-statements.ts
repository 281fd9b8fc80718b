import { dialectNamed } from '../../../../src/dialects/detect.ts'
import { resolveTable } from '../../../../src/options.ts'
import type { Statement, StatementInput } from '../../../../src/statement.ts'

/** A statement of the sweep, ready to be sent. */
export interface SweepStatement {
  readonly sql: string
  values(input: Partial<StatementInput>): unknown[]
}

/** The library's own two statements of the sweep. Run records stay for as long as ever. */
export function sweepStatements(
  family: 'sqlite' | 'postgres' | 'mysql',
  tableName: string,
): { readonly look: SweepStatement; readonly remove: SweepStatement } {
  const dialect = dialectNamed(family, resolveTable({ tableName }))
  const filled = ({ sql, parameters }: Statement): SweepStatement => ({
    sql,
    values: (input) => parameters.map((name) => dialect.encode(name, input[name] as never)),
  })
  return { look: filled(dialect.statements.sweepLook), remove: filled(dialect.statements.sweepDelete) }
}
