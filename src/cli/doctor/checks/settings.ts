import { note, ok, type Remark, warning } from '../finding.ts'
import { mysqlDoctorStatements } from '../mysql-doctor-statements.ts'
import { textIn } from '../patient.ts'
import type { Check } from './check.ts'

/** The default of the servers: longer than that, somebody has chosen it. */
const LONG_WAIT_S = 50

/** Settings of MySQL and MariaDB that statements of the library meet. */
export const settings: Check = {
  name: 'settings',
  async run({ dialect, ask }) {
    if (dialect !== 'mysql') return []
    const rows = await ask(
      mysqlDoctorStatements.settings(['sql_mode', 'log_bin', 'binlog_format', 'innodb_lock_wait_timeout']),
    )
    const values = Object.fromEntries(rows.map((row) => [textIn(row, 'Variable_name'), textIn(row, 'Value')]))
    const remarks = [...mode(values), ...binaryLog(values), ...lockWait(values)]
    return remarks.length === 0 ? [ok('nothing unusual')] : remarks
  },
}

type Values = Readonly<Record<string, string>>

function mode({ sql_mode = '' }: Values): Remark[] {
  if (/STRICT_(TRANS|ALL)_TABLES|TRADITIONAL/.test(sql_mode)) return []
  return [
    warning(
      'sql_mode is not strict',
      'a value that does not fit is cut without an error: what a broken driver sends could be stored as something else',
      "add STRICT_TRANS_TABLES to sql_mode, the server's default",
    ),
  ]
}

function binaryLog({ log_bin = '', binlog_format = '' }: Values): Remark[] {
  if (log_bin !== 'ON' || binlog_format !== 'STATEMENT') return []
  return [
    warning(
      'binlog_format is STATEMENT',
      'a replica runs the statements anew and may grant another key; and in transactions with READ COMMITTED, every write fails (error 1665)',
      'set binlog_format to ROW, the default of MySQL, or MIXED, that of MariaDB',
    ),
  ]
}

function lockWait({ innodb_lock_wait_timeout = '' }: Values): Remark[] {
  if (!(Number(innodb_lock_wait_timeout) > LONG_WAIT_S)) return []
  return [
    note(
      `innodb_lock_wait_timeout is ${innodb_lock_wait_timeout} s`,
      'tries do not wait for rows; a release, and a guard, wait for so long for a transaction that has the row, and keep a connection',
      'set it to what a transaction of yours may take',
    ),
  ]
}
