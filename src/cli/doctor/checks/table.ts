import type { RawBuilder } from 'kysely'
import type { ResolvedTable } from '../../../options.ts'
import { createMigrations } from '../../../schema/create-migrations.ts'
import { bookkeepingName } from '../../../schema/lock-migrator.ts'
import { mysqlDrift } from '../drift/mysql-drift.ts'
import { postgresDrift } from '../drift/postgres-drift.ts'
import { sqliteDrift } from '../drift/sqlite-drift.ts'
import { note, ok, problem, type Remark } from '../finding.ts'
import { mysqlDoctorStatements } from '../mysql-doctor-statements.ts'
import { type Patient, textIn } from '../patient.ts'
import { postgresDoctorStatements } from '../postgres-doctor-statements.ts'
import { sqliteDoctorStatements } from '../sqlite-doctor-statements.ts'
import type { Check } from './check.ts'

/** Whether the lock table is there, and what the migrations make. */
export const table: Check = {
  name: 'table',
  async run(patient) {
    const { tableName } = patient.table
    const drift = await DRIFT[patient.dialect](patient)
    if (!drift) return [missing(tableName)]
    const applied = await bookkeeping(patient)
    return drift.length === 0
      ? [ok(`\`${tableName}\` is what the migrations make`), ...applied]
      : [...drift, ...applied]
  },
}

const DRIFT: Readonly<Record<Patient['dialect'], (patient: Patient) => Promise<Remark[] | undefined>>> = {
  postgres: postgresDrift,
  mysql: mysqlDrift,
  sqlite: sqliteDrift,
}

const BOOKKEEPING: Readonly<Record<Patient['dialect'], (table: ResolvedTable) => RawBuilder<unknown>>> = {
  postgres: postgresDoctorStatements.bookkeeping,
  mysql: mysqlDoctorStatements.bookkeeping,
  sqlite: sqliteDoctorStatements.bookkeeping,
}

function missing(tableName: string): Remark {
  return problem(
    `there is no table \`${tableName}\`, or this user cannot see it`,
    'every lock fails with E_SCHEMA_MISSING',
    'npx verrou migrate; if it has another name or schema, --table and --schema',
  )
}

/** The table itself counts; this only tells by whom it was made. An app's own migrator has other books, and a role of few rights sees none. */
async function bookkeeping({ ask, dialect, table: { tableName, schema } }: Patient): Promise<Remark[]> {
  const books = { tableName: `${bookkeepingName(tableName)}_migrations`, schema }
  const rows = await ask(BOOKKEEPING[dialect](books)).catch(() => undefined)
  const all = Object.keys(createMigrations())
  const applied = rows?.map((row) => textIn(row, 'name')) ?? []
  if (applied.length === 0) {
    return [
      note(
        '`verrou migrate` has not made it',
        'it was made by migrations of your own, by hand, or by `autoCreateTable`',
      ),
    ]
  }
  const unknown = applied.filter((name) => !all.includes(name))
  if (unknown.length > 0) {
    const why = 'a newer version of verrou-sql has migrated it; older ones go on working on it'
    return [note(`migrations that this version does not know: ${unknown.join(', ')}`, why)]
  }
  return [ok(`${applied.length} of ${all.length} migrations applied by \`verrou migrate\``)]
}
