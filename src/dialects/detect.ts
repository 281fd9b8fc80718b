import { errors, isLockError } from '../errors.ts'
import type { ResolvedTable } from '../options.ts'
import type { Answer } from '../statement.ts'
import { StoreTrouble } from '../store-trouble.ts'
import type { DialectName } from './compiler.ts'
import type { ErrorMeaning, LockDialect } from './dialect.ts'
import { mysqlDialect } from './mysql/dialect.ts'
import { meaningOfMysqlError } from './mysql/errors.ts'
import { postgresDialect } from './postgres/dialect.ts'
import { meaningOfPostgresError } from './postgres/errors.ts'
import { sqliteDialect } from './sqlite/dialect.ts'
import { meaningOfSqliteError } from './sqlite/errors.ts'

/** Sends one question to the database. */
export type SendQuestion = (sql: string) => Promise<Answer>

const DIALECTS = { postgres: postgresDialect, mysql: mysqlDialect, sqlite: sqliteDialect }

/** The dialect of that name, worded for the table. */
export function dialectNamed(name: DialectName, table: ResolvedTable): LockDialect {
  return DIALECTS[name](table)
}

/**
 * Which database this is, by asking it: the class of a Kysely dialect says nothing when it comes from another copy of
 * the package or is home-made.
 *
 * @param isSqliteLikely saves the wrong question first, which SQLite answers with an error that a log would show
 * @throws LockError `E_UNSUPPORTED` for a database that is none of ours; StoreTrouble when it does not answer
 */
export async function detectDialect(send: SendQuestion, isSqliteLikely: boolean): Promise<DialectName> {
  const questions = [askServer, askSqlite]
  if (isSqliteLikely) questions.reverse()
  for (const question of questions) {
    const name = await question(send)
    if (name) return name
  }
  throw new errors.E_UNSUPPORTED('this database is neither Postgres, MySQL, MariaDB nor SQLite')
}

async function askServer(send: SendQuestion): Promise<DialectName | undefined> {
  const version = await versionOf(send, 'select version() as version', meaningOfServerError)
  if (version === undefined) return undefined
  return /^(PostgreSQL|CockroachDB)/.test(version) ? 'postgres' : 'mysql'
}

async function askSqlite(send: SendQuestion): Promise<DialectName | undefined> {
  const version = await versionOf(send, 'select sqlite_version() as version', meaningOfSqliteError)
  if (version === undefined) return undefined
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 3 || (major === 3 && minor >= 42)) return 'sqlite'
  throw new errors.E_UNSUPPORTED(`SQLite 3.42 or newer is needed, for its sub-second time; this is SQLite ${version}`)
}

/** SQLite, Postgres, MySQL and SQL Server on a function that they do not have. */
const NO_SUCH_FUNCTION = /no such function|function .* does not exist|not a recognized built-in function/i

async function versionOf(send: SendQuestion, question: string, meaningOf: (error: unknown) => ErrorMeaning) {
  try {
    const { rows } = await send(question)
    return String(rows[0]?.version)
  } catch (error) {
    if (isLockError(error)) throw error
    if (NO_SUCH_FUNCTION.test(String((error as Error).message))) return undefined
    const meaning = meaningOf(error)
    throw new StoreTrouble(meaning === 'transient' || meaning === 'unreachable' ? meaning : 'failed', error)
  }
}

/** What an error means of a database that nobody knows yet. */
export function meaningOfServerError(error: unknown): ErrorMeaning {
  const isMysql = typeof (error as { errno?: unknown }).errno === 'number'
  return isMysql ? meaningOfMysqlError(error, 'detect') : meaningOfPostgresError(error)
}
