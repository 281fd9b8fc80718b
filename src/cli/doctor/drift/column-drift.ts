import type { DialectName } from '../../../dialects/compiler.ts'
import { problem, type Remark, warning } from '../finding.ts'
import { isOn, type Row, textIn } from '../patient.ts'
import { EXPECTED_COLUMNS, type ExpectedColumn } from './expected-columns.ts'

const BY_MIGRATIONS = 'npx verrou migrate'

/** Where the columns are not those of the migrations. Columns of somebody else's are in nobody's way, unless a grant would have to fill them. */
export function columnDrift(
  dialect: DialectName,
  columns: readonly Row[],
  isDefaulted: (row: Row) => boolean,
): Remark[] {
  const expected = EXPECTED_COLUMNS[dialect]
  const byName = new Map(columns.map((row) => [textIn(row, 'name'), row]))
  const missing = Object.entries(expected).filter(([name]) => !byName.has(name))
  return [
    ...missingColumns(missing),
    ...Object.entries(expected).flatMap(([name, column]) => mistyped(name, column, byName.get(name))),
    ...columns.filter((row) => !(textIn(row, 'name') in expected)).flatMap((row) => foreign(row, isDefaulted(row))),
  ]
}

function missingColumns(missing: readonly (readonly [string, ExpectedColumn])[]): Remark[] {
  if (missing.length === 0) return []
  const what = `it lacks ${missing.map(([name]) => `\`${name}\``).join(', ')}`
  if (missing.every(([, { isOfRuns }]) => isOfRuns)) {
    return [warning(what, '`runOncePer` fails with E_SCHEMA_OUTDATED; all else works', BY_MIGRATIONS)]
  }
  return [
    problem(
      what,
      'every lock fails with E_SCHEMA_OUTDATED',
      `${BY_MIGRATIONS}; if the table is not ours, choose another name (\`--table\`)`,
    ),
  ]
}

/** A display width, and whether the sign is named, say nothing about what fits. */
function typeOf(row: Row): string {
  return textIn(row, 'type').replace(/^(bigint|tinyint)\(\d+\)/, '$1')
}

function mistyped(name: string, { type, isRequired }: ExpectedColumn, row: Row | undefined): Remark[] {
  if (!row) return []
  const given = typeOf(row)
  const todo = `make it \`${type}\`, as in sql/<dialect>/schema.sql`
  const remarks: Remark[] = []
  if (given !== type) {
    const what = `\`${name}\` is ${given} instead of ${type}`
    const isNumber = /int/.test(type)
    if (name === 'key') remarks.push(problem(what, 'keys may be cut, or two of them be taken for one', todo))
    else if (isNumber) remarks.push(problem(what, 'tokens and times are whole numbers of 64 bits', todo))
    else remarks.push(warning(what, 'values may be cut, or compared without case', todo))
  }
  if (isOn(row, 'is_required') !== isRequired) {
    const what = `\`${name}\` is ${isRequired ? 'not ' : ''}\`not null\``
    const why = isRequired
      ? 'a row without it can never be taken, or never ends'
      : 'a release sets it to null, and would fail'
    remarks.push((isRequired ? warning : problem)(what, why, todo))
  }
  return remarks
}

function foreign(row: Row, isDefaulted: boolean): Remark[] {
  const name = textIn(row, 'name')
  if (!isOn(row, 'is_required') || isDefaulted) return []
  return [
    problem(
      `it has a column \`${name}\` that must be filled`,
      'a key’s first grant does not know of it, and fails',
      'give it a default, or drop it',
    ),
  ]
}
