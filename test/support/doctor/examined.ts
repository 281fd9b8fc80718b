import { CompiledQuery } from 'kysely'
import { connect } from '../../../src/cli/connect.ts'
import type { Connection } from '../../../src/cli/connection/connection.ts'
import type { Check } from '../../../src/cli/doctor/checks/check.ts'
import { CHECKS } from '../../../src/cli/doctor/examine.ts'
import type { Remark } from '../../../src/cli/doctor/finding.ts'
import { openPatient } from '../../../src/cli/doctor/open-patient.ts'
import type { Patient } from '../../../src/cli/doctor/patient.ts'

/** A database as the doctor sees it. */
export interface Examined extends AsyncDisposable {
  readonly patient: Patient
  readonly connection: Connection
  /** One check alone. */
  check(check: string | Check): Promise<Remark[]>
  /** Through the doctor's own connections: for tests that need no others. */
  send(text: string): Promise<void>
}

/** Opens a database as `verrou doctor` does. */
export async function openExamined(url: string, table: string): Promise<Examined> {
  const connection = await connect({ url, table, isMigrating: true })
  const patient = await openPatient(connection)
  return {
    patient,
    connection,
    check: (check) => checkNamed(check).run(patient),
    async send(text) {
      await connection.db.executeQuery(CompiledQuery.raw(text))
    },
    [Symbol.asyncDispose]: () => connection.close(),
  }
}

function checkNamed(check: string | Check): Check {
  if (typeof check !== 'string') return check
  const found = CHECKS.find(({ name }) => name === check)
  if (!found) throw new Error(`there is no check ${check}`)
  return found
}

/** What is worse than a note: in a healthy database, nothing. */
export function badOf<One extends Remark>(remarks: readonly One[]): One[] {
  return remarks.filter(({ level }) => level !== 'ok' && level !== 'note')
}
