import { note, problem, type Remark } from '../finding.ts'
import { mysqlDoctorStatements } from '../mysql-doctor-statements.ts'
import { isOn, type Patient, type Row, textIn } from '../patient.ts'
import { additionRemarks } from './additions.ts'
import { columnDrift } from './column-drift.ts'

/** @returns `undefined`: there is no such table */
export async function mysqlDrift({ ask, table, dialect }: Patient): Promise<Remark[] | undefined> {
  const [found] = await ask(mysqlDoctorStatements.table(table))
  if (!found) return undefined
  const columns = await ask(mysqlDoctorStatements.columns(table))
  return [
    ...columnDrift(dialect, columns, (row) => isOn(row, 'has_default')),
    ...keyOf(columns),
    ...storageOf(found),
    ...additionRemarks(await ask(mysqlDoctorStatements.additions(table))),
  ]
}

function keyOf(columns: readonly Row[]): Remark[] {
  const inKey = columns.filter((row) => isOn(row, 'is_in_key')).map((row) => textIn(row, 'name'))
  if (inKey.length === 1 && inKey[0] === 'key') return []
  const what = inKey.length === 0 ? 'it has no primary key' : `its primary key is (${inKey.join(', ')})`
  return [problem(what, 'one key can have two rows, and so two holders', 'alter table … add primary key (`key`)')]
}

function storageOf(found: Row): Remark[] {
  const kind = textIn(found, 'kind')
  if (kind !== 'BASE TABLE')
    return [
      problem(`it is a ${kind.toLowerCase()}`, 'rows cannot be locked in it', 'make it a table: npx verrou migrate'),
    ]
  const engine = textIn(found, 'engine')
  if (engine.toUpperCase() !== 'INNODB') {
    const why = 'it has no transactions and no row locks: guards and locks until commit protect nothing'
    return [problem(`its engine is ${engine}`, why, 'alter table … engine = InnoDB')]
  }
  const format = textIn(found, 'row_format')
  if (/^dynamic$/i.test(format)) return []
  const why =
    'pages are laid out otherwise than in our measurements; with COMPACT or REDUNDANT, such a long key has no room in an index'
  return [note(`its row format is ${format}`, why, 'alter table … row_format = dynamic')]
}
