import { CompiledQuery, type Kysely, type RawBuilder, sql } from 'kysely'
import type { DialectName } from '../../dialects/compiler.ts'
import { resolveTable } from '../../options.ts'
import type { Connection } from '../connection/connection.ts'
import { type Engine, engineOf } from './engine.ts'
import type { Patient, Row } from './patient.ts'
import type { Survey } from './survey.ts'
import { takeSurvey } from './take-survey.ts'

/** How long the server may work on one question, and how long it may wait for somebody who alters the table. */
const ANSWER_MS = 5_000
const LOCK_MS = 2_000

/** Finds out what the database is. What it is asked from then on is read-only, and bounded in time. */
export async function openPatient({ db, dialect, pool, tableOptions }: Omit<Connection, 'close'>): Promise<Patient> {
  const plain = db.withoutPlugins()
  const engine = engineOf(dialect, await versionOf(plain, dialect))
  const table = resolveTable(tableOptions)
  const ask = askFor(dialect, engine, plain)
  let taken: Promise<Survey> | undefined
  const survey = () => {
    taken ??= takeSurvey({ dialect, table, ask })
    return taken
  }
  return { dialect, engine, db: plain, table, pool, ask, survey }
}

async function versionOf(db: Kysely<unknown>, dialect: DialectName): Promise<string> {
  const name = sql.raw(dialect === 'sqlite' ? 'sqlite_version()' : 'version()')
  const { rows } = await sql<{ version: string }>`select ${name} as version`.execute(db)
  return String(rows[0]?.version)
}

type Ask = Patient['ask']

function askFor(dialect: DialectName, { name }: Engine, db: Kysely<unknown>): Ask {
  if (dialect === 'postgres') return (question) => askPostgres(db, question)
  if (dialect === 'sqlite') return async (question) => (await question.execute(db)).rows as Row[]
  return name === 'MariaDB' ? (question) => askMariadb(db, question) : (question) => askMysql(db, question)
}

/** Settings of the transaction alone: behind a pooler, those of a session would be left to others. */
async function askPostgres(db: Kysely<unknown>, question: RawBuilder<unknown>): Promise<Row[]> {
  return await db
    .transaction()
    .setAccessMode('read only')
    .execute(async (transaction) => {
      await sql`select set_config('statement_timeout', ${String(ANSWER_MS)}, true),
        set_config('lock_timeout', ${String(LOCK_MS)}, true)`.execute(transaction)
      return (await question.execute(transaction)).rows as Row[]
    })
}

/** https://mariadb.com/kb/en/set-statement/ */
async function askMariadb(db: Kysely<unknown>, question: RawBuilder<unknown>): Promise<Row[]> {
  const { sql: text, parameters } = question.compile(db)
  const bounded = `set statement max_statement_time = ${ANSWER_MS / 1000} for ${text.trim()}`
  return (await db.executeQuery<Row>(CompiledQuery.raw(bounded, [...parameters]))).rows
}

/** MySQL has no such words for all that is asked; these settings belong to connections of the doctor's own. */
async function askMysql(db: Kysely<unknown>, question: RawBuilder<unknown>): Promise<Row[]> {
  const [answerMs, lockS] = [sql.lit(ANSWER_MS), sql.lit(LOCK_MS / 1000)]
  return await db.connection().execute(async (connection) => {
    await sql`set session max_execution_time = ${answerMs}, session lock_wait_timeout = ${lockS}`.execute(connection)
    return (await question.execute(connection)).rows as Row[]
  })
}
