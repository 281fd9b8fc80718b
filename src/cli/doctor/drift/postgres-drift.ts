import { note, problem, type Remark, warning } from '../finding.ts'
import { isOn, type Patient, type Row, textIn } from '../patient.ts'
import { postgresDoctorStatements } from '../postgres-doctor-statements.ts'
import { additionRemarks } from './additions.ts'
import { columnDrift } from './column-drift.ts'

/** As the migrations make it: half of each page is free, so that updates stay on it. */
const FILLFACTOR = 50

/** @returns `undefined`: there is no such table */
export async function postgresDrift({ ask, table, dialect }: Patient): Promise<Remark[] | undefined> {
  const [found] = await ask(postgresDoctorStatements.table(table))
  if (!found) return undefined
  const columns = await ask(postgresDoctorStatements.columns(table))
  const key = columns.find((row) => textIn(row, 'name') === 'key')
  return [
    ...kindOf(found),
    ...columnDrift(dialect, columns, (row) => isOn(row, 'has_default')),
    ...keyOf(found, key),
    ...storageOf(found),
    ...additionRemarks(await ask(postgresDoctorStatements.additions(table))),
  ]
}

const KINDS: Readonly<Record<string, string>> = {
  p: 'a partitioned table',
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
}

function kindOf(found: Row): Remark[] {
  const remarks: Remark[] = []
  const kind = KINDS[textIn(found, 'kind')]
  if (kind)
    remarks.push(
      problem(
        `it is ${kind}`,
        'row locks and upserts do not work as on a table',
        'make it a plain table: npx verrou migrate',
      ),
    )
  if (textIn(found, 'persistence') === 'u') {
    const why = 'after a crash it is empty: every lock is free, and tokens begin anew from the clock'
    remarks.push(warning('it is unlogged', why, 'alter table … set logged'))
  }
  if (isOn(found, 'has_row_security')) {
    const why = 'a key whose row is hidden can never be taken'
    remarks.push(problem('it has row-level security', why, 'alter table … disable row level security'))
  }
  return remarks
}

/** All of them compare by bytes, or by code points, which is the same order. CockroachDB has none, and compares by bytes. */
const BYTEWISE = /^(C|POSIX|ucs_basic|C\.UTF-?8|C\.utf8|pg_c_utf8)$/i

function keyOf(found: Row, key: Row | undefined): Remark[] {
  const remarks: Remark[] = []
  const primaryKey = textIn(found, 'primary_key')
  if (primaryKey !== 'key') {
    const what = primaryKey === '' ? 'it has no primary key' : `its primary key is (${primaryKey})`
    remarks.push(problem(what, 'one key can have two rows, and so two holders', 'alter table … add primary key (key)'))
  }
  if (!key) return remarks
  const collation = textIn(key, 'collation')
  if (!isOn(key, 'is_deterministic')) {
    remarks.push(
      problem(
        `\`key\` has the collation ${collation}`,
        'different keys are taken for one',
        'alter table … alter key type text collate "C"',
      ),
    )
  } else if (collation !== '' && !BYTEWISE.test(collation)) {
    const why =
      'keys are still told apart by their bytes, but sorted otherwise: two batches can deadlock; and a new version of the collation breaks the index'
    remarks.push(
      warning(
        `\`key\` has the collation ${collation} instead of "C"`,
        why,
        'alter table … alter key type text collate "C"',
      ),
    )
  }
  return remarks
}

function storageOf(found: Row): Remark[] {
  const options = new Map(
    textIn(found, 'options')
      .split(',')
      .map((one) => one.split('=') as [string, string]),
  )
  const fillfactor = Number(options.get('fillfactor') ?? 100)
  const remarks: Remark[] = []
  if (fillfactor !== FILLFACTOR) {
    const what = `its fillfactor is ${fillfactor} instead of ${FILLFACTOR}`
    const why = 'where a page has no room, an update goes to another one, and the table and its index grow'
    const todo = `alter table … set (fillfactor = ${FILLFACTOR}), then vacuum full`
    remarks.push(
      fillfactor > FILLFACTOR ? warning(what, why, todo) : note(what, 'the table takes more room than it needs', todo),
    )
  }
  return remarks
}
