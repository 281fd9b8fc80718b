import { accessSync, constants } from 'node:fs'
import { dirname } from 'node:path'
import { ok, problem, type Remark } from '../finding.ts'
import { mysqlDoctorStatements } from '../mysql-doctor-statements.ts'
import { isOn, type Patient, textIn } from '../patient.ts'
import { postgresDoctorStatements } from '../postgres-doctor-statements.ts'
import { sqliteDoctorStatements } from '../sqlite-doctor-statements.ts'
import type { Check } from './check.ts'

/** Whether this server, or this file, can be written to: a lock is a write. */
export const readOnly: Check = {
  name: 'read-only',
  async run(patient) {
    const reason = await REASONS[patient.dialect](patient)
    return [reason === undefined ? ok('it can be written to') : refused(reason)]
  },
}

const REASONS: Readonly<Record<Patient['dialect'], (patient: Patient) => Promise<string | undefined>>> = {
  async postgres({ ask }) {
    const [row] = await ask(postgresDoctorStatements.standing())
    if (isOn(row, 'is_replica')) return 'this server is a replica'
    return isOn(row, 'is_read_only') ? '`default_transaction_read_only` is on' : undefined
  },

  async mysql({ ask }) {
    const rows = await ask(mysqlDoctorStatements.settings(['read_only', 'super_read_only', 'innodb_read_only']))
    const setting = rows.find((row) => isOn(row, 'Value'))
    return setting && `\`${textIn(setting, 'Variable_name')}\` is on, as on a replica`
  },

  async sqlite({ ask, table }) {
    const [pragma] = await ask(sqliteDoctorStatements.pragma('query_only'))
    if (isOn(pragma, 'query_only')) return '`query_only` is on'
    const [row] = await ask(sqliteDoctorStatements.file(table))
    const file = textIn(row, 'file')
    if (file === '') return undefined
    // Beside the file, SQLite makes a journal.
    return [file, dirname(file)].map(unwritableReason).find((reason) => reason !== undefined)
  },
}

function unwritableReason(path: string): string | undefined {
  try {
    accessSync(path, constants.W_OK)
    return undefined
  } catch {
    return `${path} cannot be written to by this user`
  }
}

function refused(reason: string): Remark {
  return problem(
    `nothing can be written: ${reason}`,
    'no lock can be taken, extended or released here; and what a replica shows is late',
    'connect to the primary, with a user who may write',
  )
}
