import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { isInterrupted } from '../../../schema/collision.ts'
import { ok, type Remark, unchecked, warning } from '../finding.ts'
import { mysqlDoctorStatements } from '../mysql-doctor-statements.ts'
import { numberIn, type Patient, type Row, textIn } from '../patient.ts'
import { postgresDoctorStatements } from '../postgres-doctor-statements.ts'
import type { Check } from './check.ts'

/** A transaction with a guard or a lock until commit is as long as the business work in it. */
const LONG_S = 5

/** Transactions that have locked rows of the lock table and do not end: their keys are refused to everybody for so long. */
export const blockers: Check = blockersLongerThan(LONG_S)

/** @param longS how long a transaction may be open */
export function blockersLongerThan(longS: number): Check {
  const isLong = (row: Row) => numberIn(row, 'open_s') >= longS
  return { name: 'blockers', run: (patient) => BLOCKERS[patient.dialect](patient, isLong) }
}

type IsLong = (row: Row) => boolean

const BLOCKERS: Readonly<Record<Patient['dialect'], (patient: Patient, isLong: IsLong) => Promise<Remark[]>>> = {
  async postgres({ ask, table }, isLong) {
    const open = await ask(postgresDoctorStatements.blockers(table))
    const prepared = await ask(postgresDoctorStatements.prepared(table))
    const remarks = [...open.filter(isLong).map((row) => blocked(row)), ...prepared.map(forgotten)]
    return remarks.length === 0 ? [none(open.length)] : remarks
  },

  async mysql({ ask, table, engine }, isLong) {
    if (engine.name === 'MySQL') {
      const open = await ask(mysqlDoctorStatements.blockers(table))
      const remarks = open.filter(isLong).map((row) => blocked(row))
      return remarks.length === 0 ? [none(open.length)] : remarks
    }
    if (engine.name !== 'MariaDB') return [unchecked(`${engine.name} does not show who has locked which row`)]
    const open = await ask(mysqlDoctorStatements.mariadbBlockers(table))
    const remarks = open.filter(isLong).map((row) => (numberIn(row, 'waiting') > 0 ? blocked(row) : suspected(row)))
    return remarks.length === 0 ? [none(open.length)] : remarks
  },

  async sqlite({ db }) {
    return [await db.connection().execute(sqliteWriter)]
  },
}

function none(open: number): Remark {
  return ok(open === 0 ? 'no open transaction has locked a row' : `${open} open, none for long`)
}

function whoIs(row: Row): string {
  const [application, state] = [textIn(row, 'application'), textIn(row, 'state')]
  const details = [application, state].filter((text) => text !== '').join(', ')
  return `session ${textIn(row, 'pid')} of ${textIn(row, 'user_name')}${details === '' ? '' : ` (${details})`}`
}

const TODO =
  'look at what it does; end it with `select pg_terminate_backend(pid)` (Postgres) or `kill pid` (MySQL, MariaDB); idle_in_transaction_session_timeout ends the forgotten ones'

function blocked(row: Row): Remark {
  const waiting = numberIn(row, 'waiting')
  const waiters = waiting > 0 ? `; ${waiting} wait for it` : ''
  return warning(
    `${whoIs(row)} has had rows of the table locked in a transaction for ${duration(row)}${waiters}`,
    'the keys of these rows are refused until it ends; and it keeps dead rows from being removed',
    TODO,
  )
}

function suspected(row: Row): Remark {
  return warning(
    `${whoIs(row)} has had rows locked in a transaction for ${duration(row)}; MariaDB does not tell of which table`,
    'if they are of the lock table, their keys are refused until it ends',
    TODO,
  )
}

function forgotten(row: Row): Remark {
  return warning(
    `the prepared transaction '${textIn(row, 'name')}' of ${textIn(row, 'user_name')} has had rows of the table locked for ${duration(row)}`,
    'no session shows it, and it outlives restarts; its keys are refused until it ends',
    `commit prepared '…', or rollback prepared '…'`,
  )
}

function duration(row: Row): string {
  return `${Math.round(numberIn(row, 'open_s'))} s`
}

const PATIENCE_MS = 1_000

/** Takes the write lock of the file and gives it back, without waiting inside of the driver, which would stop the process. */
async function sqliteWriter(connection: Kysely<unknown>): Promise<Remark> {
  const { rows } = await sql<{ timeout: number }>`pragma busy_timeout`.execute(connection)
  await sql`pragma busy_timeout = 0`.execute(connection)
  try {
    for (const startMs = performance.now(); performance.now() - startMs < PATIENCE_MS; await sleep(20)) {
      if (await canWrite(connection)) return ok('no other process is writing')
    }
  } finally {
    await sql`pragma busy_timeout = ${sql.lit(rows[0]?.timeout ?? 0)}`.execute(connection)
  }
  return warning(
    `another process has been writing to the file for more than ${PATIENCE_MS / 1000} s`,
    'SQLite has one write lock for the whole file: no lock can be taken or released meanwhile',
    'find it with `fuser -v` on the file; keep write transactions short',
  )
}

async function canWrite(connection: Kysely<unknown>): Promise<boolean> {
  try {
    await sql`begin immediate`.execute(connection)
  } catch (error) {
    if (isInterrupted(error)) return false
    throw error
  }
  await sql`rollback`.execute(connection)
  return true
}
