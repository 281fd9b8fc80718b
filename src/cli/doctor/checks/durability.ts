import { ok, type Remark, warning } from '../finding.ts'
import { mysqlDoctorStatements } from '../mysql-doctor-statements.ts'
import { type Patient, textIn } from '../patient.ts'
import { postgresDoctorStatements } from '../postgres-doctor-statements.ts'
import { sqliteDoctorStatements } from '../sqlite-doctor-statements.ts'
import type { Check } from './check.ts'

/** A setting that decides whether a commit survives a crash. */
export interface DurabilitySetting {
  readonly name: string
  readonly value: string
  /** Whether a commit waits for the disk. */
  readonly isDurable: boolean
}

/** Whether a grant that was answered is still there after a crash. */
export const durability: Check = {
  name: 'durability',
  async run(patient) {
    const settings = await durabilityOf(patient)
    if (patient.dialect === 'sqlite') return settings.map(onSqlite)
    const text = (some: readonly DurabilitySetting[]) => some.map(({ name, value }) => `${name} = ${value}`).join(', ')
    const unsafe = settings.filter(({ isDurable }) => !isDurable)
    return unsafe.length === 0 ? [ok(text(settings))] : [forgetful(text(unsafe))]
  },
}

/** The settings of the database, as they are for this connection: also what a benchmark has to tell. */
export function durabilityOf(patient: Pick<Patient, 'ask' | 'dialect'>): Promise<DurabilitySetting[]> {
  return READERS[patient.dialect](patient.ask)
}

/** `safe`: the values with which nothing is lost; a crash of the program alone is not the question, but one of the machine. */
const POSTGRES = {
  fsync: /^on$/,
  full_page_writes: /^on$/,
  synchronous_commit: /^(on|local|remote_write|remote_apply)$/,
}
const MYSQL = { innodb_flush_log_at_trx_commit: /^1$/, innodb_doublewrite: /^(ON|1|DETECT_AND_RECOVER)$/ }

const READERS: Readonly<Record<Patient['dialect'], (ask: Patient['ask']) => Promise<DurabilitySetting[]>>> = {
  async postgres(ask) {
    const rows = await ask(postgresDoctorStatements.settings(Object.keys(POSTGRES)))
    return rows.map((row) => settingOf(textIn(row, 'name'), textIn(row, 'value'), POSTGRES))
  },

  async mysql(ask) {
    const rows = await ask(mysqlDoctorStatements.settings([...Object.keys(MYSQL), 'log_bin', 'sync_binlog']))
    const values = Object.fromEntries(rows.map((row) => [textIn(row, 'Variable_name'), textIn(row, 'Value')]))
    const settings = Object.keys(MYSQL).filter((name) => name in values)
    const own = settings.map((name) => settingOf(name, String(values[name]), MYSQL))
    // Without a binary log there is nothing to wait for.
    return values.log_bin === 'ON'
      ? [...own, settingOf('sync_binlog', String(values.sync_binlog), { sync_binlog: /^1$/ })]
      : own
  },

  async sqlite(ask) {
    const [row] = await ask(sqliteDoctorStatements.pragma('synchronous'))
    const level = ['off', 'normal', 'full', 'extra'][Number(row?.synchronous)] ?? 'unknown'
    const [mode] = await ask(sqliteDoctorStatements.pragma('journal_mode'))
    const isInMemory = textIn(mode, 'journal_mode') === 'memory'
    return isInMemory ? [] : [{ name: 'synchronous', value: level, isDurable: level === 'full' || level === 'extra' }]
  },
}

function settingOf(name: string, value: string, safe: Readonly<Record<string, RegExp>>): DurabilitySetting {
  return { name, value, isDurable: safe[name]?.test(value) === true }
}

/** When the power fails, all processes of this machine are gone together with their grants: only a broken file is bad. */
function onSqlite({ name, value }: DurabilitySetting): Remark {
  if (value !== 'off') return ok(`${name} = ${value}`)
  return warning(
    `${name} = ${value}`,
    'when the power fails, the file can be broken, and with it the locks and all that is beside them',
    'pragma synchronous = normal, or full, on every connection',
  )
}

function forgetful(settings: string): Remark {
  return warning(
    `commits may be forgotten: ${settings}`,
    'when the machine crashes, grants of the last moments can be lost, and their keys are granted again while their holders go on',
    'set what waits for the disk; a release does not wait for it anyway, by itself',
  )
}
