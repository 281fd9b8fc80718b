import type { RawBuilder } from 'kysely'
import { note, ok, type Remark, warning } from '../finding.ts'
import { mysqlDoctorStatements } from '../mysql-doctor-statements.ts'
import { numberIn, type Patient } from '../patient.ts'
import { postgresDoctorStatements } from '../postgres-doctor-statements.ts'
import { sqliteDoctorStatements } from '../sqlite-doctor-statements.ts'
import { countText } from '../survey.ts'
import type { Check } from './check.ts'

/** How far this machine's clock may be off before it is mentioned. */
const MENTIONED_MS = 1_000
/** A key that is granted again within the same microsecond has a token ahead of the clock, by as little. */
const AHEAD_US = 1_000_000

/** The database's clock: against this machine's, which decides nothing; and against the tokens, which it gave. */
export const clock: Check = {
  name: 'clock',
  async run(patient) {
    return [await difference(patient), ...(await tokens(patient))]
  },
}

const NOW: Readonly<Record<Patient['dialect'], () => RawBuilder<unknown>>> = {
  postgres: postgresDoctorStatements.clock,
  mysql: mysqlDoctorStatements.clock,
  sqlite: sqliteDoctorStatements.clock,
}

async function difference({ dialect, ask }: Patient): Promise<Remark> {
  const fromMs = Date.now()
  const [row] = await ask(NOW[dialect]())
  const toMs = Date.now()
  const databaseMs = numberIn(row, 'now_us') / 1000
  // Somewhere between asking and hearing, the database looked at its clock.
  const differenceMs = databaseMs < fromMs ? databaseMs - fromMs : Math.max(0, databaseMs - toMs)
  if (Math.abs(differenceMs) < MENTIONED_MS) return ok('the database and this machine agree on the time')
  const seconds = (Math.abs(differenceMs) / 1000).toFixed(1)
  const direction = differenceMs > 0 ? 'ahead of' : 'behind'
  return note(
    `the database is ${seconds} s ${direction} this machine`,
    'locks go by the database’s clock alone: nothing is wrong with them',
  )
}

async function tokens(patient: Patient): Promise<Remark[]> {
  const { rows, tokensAhead, largestToken, nowUs } = await patient.survey()
  const aheadUs = largestToken - nowUs
  if (tokensAhead === 0 || aheadUs < AHEAD_US) return []
  const seconds = Math.round(aheadUs / 1e6).toLocaleString('en')
  const count = countText(tokensAhead, rows)
  const which = tokensAhead === 1 ? `1 fencing token is ${seconds} s` : `${count} fencing tokens are up to ${seconds} s`
  return [
    warning(
      `${which} ahead of the database’s clock: it was set back`,
      'leases last longer by as much as it was set back; tokens of these keys still grow, and their rows are kept until the clock has caught up',
      'let NTP slew the clock instead of setting it; remove no rows by hand until it has caught up',
    ),
  ]
}
