import { note, ok, type Remark } from '../finding.ts'
import { mysqlDoctorStatements } from '../mysql-doctor-statements.ts'
import { type Patient, textIn } from '../patient.ts'
import { postgresDoctorStatements } from '../postgres-doctor-statements.ts'
import type { Check } from './check.ts'

/** The level that transactions of the app begin with, unless they name one. */
export const isolation: Check = {
  name: 'isolation',
  async run(patient) {
    if (patient.dialect === 'sqlite')
      return [ok('SERIALIZABLE, the only one of SQLite: within a transaction, try once instead of waiting')]
    const level = await levelOf(patient)
    return [level === 'READ COMMITTED' ? ok(level) : limited(level)]
  },
}

async function levelOf({ dialect, ask }: Patient): Promise<string> {
  if (dialect === 'postgres') {
    const [row] = await ask(postgresDoctorStatements.settings(['default_transaction_isolation']))
    return textIn(row, 'value').toUpperCase()
  }
  // MariaDB's name until 11.1, and MySQL's: https://mariadb.com/kb/en/server-system-variables/#transaction_isolation
  const [row] = await ask(mysqlDoctorStatements.settings(['tx_isolation', 'transaction_isolation']))
  return textIn(row, 'Value').replaceAll('-', ' ').toUpperCase()
}

function limited(level: string): Remark {
  return note(
    `${level} by default`,
    'leases work as always; a transaction of yours cannot wait for one (`E_TRANSACTION_ISOLATION`), and is told more often to run again',
    'where transactions wait for locks, begin them as READ COMMITTED; see docs/guide/transactions.md',
  )
}
