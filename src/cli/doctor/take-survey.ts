import type { RawBuilder } from 'kysely'
import { mysqlDoctorStatements } from './mysql-doctor-statements.ts'
import { numberIn, type Patient, type Row } from './patient.ts'
import { postgresDoctorStatements } from './postgres-doctor-statements.ts'
import { sqliteDoctorStatements } from './sqlite-doctor-statements.ts'
import { MOST_ROWS, type Survey } from './survey.ts'

/** Of the words for each database, what the survey needs. */
interface SurveyStatements {
  survey(table: Patient['table'], mostRows: number): RawBuilder<unknown>
}

const STATEMENTS: Readonly<Record<Patient['dialect'], SurveyStatements>> = {
  postgres: postgresDoctorStatements,
  mysql: mysqlDoctorStatements,
  sqlite: sqliteDoctorStatements,
}

/** Counts the rows. */
export async function takeSurvey({ dialect, table, ask }: Pick<Patient, 'dialect' | 'table' | 'ask'>): Promise<Survey> {
  const [row] = await ask(STATEMENTS[dialect].survey(table, MOST_ROWS))
  return surveyOf(row)
}

function surveyOf(row: Row | undefined): Survey {
  return {
    rows: numberIn(row, 'total'),
    old: numberIn(row, 'old') || 0,
    endless: numberIn(row, 'endless') || 0,
    expired: numberIn(row, 'expired') || 0,
    tokensAhead: numberIn(row, 'tokens_ahead') || 0,
    largestToken: numberIn(row, 'largest_token') || 0,
    nowUs: numberIn(row, 'now_us'),
  }
}
