import { reasonOf } from '../../output/reason-of.ts'
import { CALLED_FUNCTIONS } from '../called-functions.ts'
import { ok, problem, type Remark } from '../finding.ts'
import { mysqlDoctorStatements } from '../mysql-doctor-statements.ts'
import { type Patient, textIn } from '../patient.ts'
import { postgresDoctorStatements } from '../postgres-doctor-statements.ts'
import type { Check } from './check.ts'

/** Whether this user may do what the statements of the library do. */
export const rights: Check = {
  name: 'rights',
  async run(patient) {
    if (patient.dialect === 'sqlite') return []
    const refused = await refusedRights(patient)
    const remarks = [...refused, ...(await refusedFunctions(patient))]
    return remarks.length === 0 ? [ok('select, insert, update and delete are allowed')] : remarks
  },
}

/** insufficient_privilege; ER_TABLEACCESS_DENIED_ERROR, ER_COLUMNACCESS_DENIED_ERROR */
const REFUSALS: readonly unknown[] = ['42501', 1142, 1143]

async function refusedRights({ ask, dialect, table }: Patient): Promise<Remark[]> {
  const statements = dialect === 'postgres' ? postgresDoctorStatements : mysqlDoctorStatements
  const refused: string[] = []
  for (const [right, question] of Object.entries(statements.rights(table))) {
    try {
      await ask(question)
    } catch (error) {
      const { code, errno } = error as { code?: unknown; errno?: unknown }
      if (!REFUSALS.includes(code) && !REFUSALS.includes(errno)) throw new Error(reasonOf(error), { cause: error })
      refused.push(right)
    }
  }
  if (refused.length === 0) return []
  const names = refused.join(', ')
  return [
    problem(
      `this user may not ${names}`,
      'locks fail with E_LOCK_STORAGE_ERROR as soon as they need it',
      `grant ${names} on ${table.tableName} to the user; docs/security.md says what each is for`,
    ),
  ]
}

async function refusedFunctions({ ask, dialect, engine }: Patient): Promise<Remark[]> {
  if (dialect !== 'postgres' || engine.name !== 'Postgres') return []
  const rows = await ask(postgresDoctorStatements.forbiddenFunctions(Object.values(CALLED_FUNCTIONS).flat()))
  const forbidden = new Set(rows.map((row) => textIn(row, 'name')))
  return Object.entries(CALLED_FUNCTIONS).flatMap(([what, functions]) => {
    const names = functions.filter((name) => forbidden.has(name))
    if (names.length === 0) return []
    const todo = `grant execute on these functions of pg_catalog to the user, or use portable: true`
    return [problem(`this user may not call ${names.join(', ')}`, `what fails: ${what}`, todo)]
  })
}
