import { note, problem, type Remark, warning } from '../finding.ts'
import { isOn, numberIn, type Patient, type Row, textIn } from '../patient.ts'
import { sqliteDoctorStatements } from '../sqlite-doctor-statements.ts'
import { additionRemarks } from './additions.ts'
import { columnDrift } from './column-drift.ts'

/** SQLite cannot change a table in place. */
const TODO = 'make the table anew while nobody holds a lock: npx verrou migrate down, then npx verrou migrate'

/** @returns `undefined`: there is no such table */
export async function sqliteDrift({ ask, table, dialect }: Patient): Promise<Remark[] | undefined> {
  const [found] = await ask(sqliteDoctorStatements.table(table))
  if (!found) return undefined
  const columns = await ask(sqliteDoctorStatements.columns(table))
  return [
    ...storageOf(found),
    ...columnDrift(dialect, columns, (row) => textIn(row, 'default_value') !== ''),
    ...keyOf(columns),
    ...additionRemarks(await ask(sqliteDoctorStatements.additions(table))),
  ]
}

function storageOf(found: Row): Remark[] {
  const kind = textIn(found, 'kind')
  if (kind !== 'table')
    return [problem(`it is a ${kind}`, 'nothing can be locked in it', 'make it a table: npx verrou migrate')]
  const remarks: Remark[] = []
  if (!isOn(found, 'is_strict')) remarks.push(warning('it is not strict', 'a column takes values of any type', TODO))
  if (!isOn(found, 'is_without_rowid')) {
    remarks.push(note('it has a rowid', 'each key is written twice: into the table and into its index', TODO))
  }
  return remarks
}

function keyOf(columns: readonly Row[]): Remark[] {
  const inKey = columns.filter((row) => numberIn(row, 'place_in_key') > 0)
  const names = inKey.map((row) => textIn(row, 'name'))
  if (names.length !== 1 || names[0] !== 'key') {
    const what = names.length === 0 ? 'it has no primary key' : `its primary key is (${names.join(', ')})`
    return [problem(what, 'one key can have two rows, and so two holders', TODO)]
  }
  const collation = textIn(inKey[0], 'collation')
  if (collation === 'BINARY' || collation === '') return []
  return [problem(`\`key\` has the collation ${collation}`, 'different keys are taken for one', TODO)]
}
