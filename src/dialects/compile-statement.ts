import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { ParameterName, Statement } from '../statement.ts'

/** Stands in a template where a value will go. */
class Placeholder {
  readonly name: ParameterName

  constructor(name: ParameterName) {
    this.name = name
  }
}

/** The place of a value in a template. */
export function value(name: ParameterName): RawBuilder<unknown> {
  return sql`${new Placeholder(name)}`
}

/** Words a statement that brings back no rows, once per store. `compiler` belongs to a dialect and cannot connect. */
export function compileStatement(compiler: Kysely<unknown>, name: string, template: RawBuilder<unknown>): Statement {
  return compile(compiler, name, template, false)
}

/** The same for a statement that brings back rows: a `select`, or one with `returning`. */
export function compileQuery(compiler: Kysely<unknown>, name: string, template: RawBuilder<unknown>): Statement {
  return compile(compiler, name, template, true)
}

function compile(
  compiler: Kysely<unknown>,
  name: string,
  template: RawBuilder<unknown>,
  returnsRows: boolean,
): Statement {
  const compiled = template.compile(compiler)
  const parameters = compiled.parameters.map((parameter) => {
    if (parameter instanceof Placeholder) return parameter.name
    throw new TypeError(`the statement ${name} contains a value that is not a placeholder`)
  })
  return Object.freeze({ name, sql: compiled.sql.trim(), parameters: Object.freeze(parameters), returnsRows })
}
