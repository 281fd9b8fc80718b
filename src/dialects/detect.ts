import { errors, isLockError } from '../errors.ts'
import type { ResolvedTable } from '../options.ts'
import type { Answer } from '../statement.ts'
import { StoreTrouble } from '../store-trouble.ts'
import type { DialectName } from './compiler.ts'
import type { ErrorMeaning, LockDialect } from './dialect.ts'
import { mysqlDialect } from './mysql/dialect.ts'
import { meaningOfMysqlError } from './mysql/errors.ts'
import { portableMysqlDialect } from './mysql/portable-dialect.ts'
import { postgresDialect } from './postgres/dialect.ts'
import { meaningOfPostgresError } from './postgres/errors.ts'
import { portablePostgresDialect } from './postgres/portable-dialect.ts'
import { sqliteDialect } from './sqlite/dialect.ts'
import { meaningOfSqliteError } from './sqlite/errors.ts'

/** Sends one question to the database. */
export type SendQuestion = (sql: string) => Promise<Answer>

const DIALECTS = { postgres: postgresDialect, mysql: mysqlDialect, sqlite: sqliteDialect }
/** SQLite is one program: it lacks nothing of itself. */
const PORTABLE = { ...DIALECTS, postgres: portablePostgresDialect, mysql: portableMysqlDialect }

/** The dialect of that name, worded for the table. @param isPortable without what some engines lack */
export function dialectNamed(name: DialectName, table: ResolvedTable, isPortable = false): LockDialect {
  return (isPortable ? PORTABLE : DIALECTS)[name](table)
}

/** What a database turned out to be. */
export interface DetectedDatabase {
  readonly name: DialectName
  /** It only speaks the language of Postgres or MySQL, and lacks features of theirs. */
  readonly lacksFeatures: boolean
}

/**
 * Which database this is, by asking it: the class of a Kysely dialect says nothing when it comes from another copy of
 * the package or is home-made.
 *
 * @param isSqliteLikely saves the wrong question first, which SQLite answers with an error that a log would show
 * @throws LockError `E_UNSUPPORTED` for a database that is none of ours; StoreTrouble when it does not answer
 */
export async function detectDatabase(send: SendQuestion, isSqliteLikely: boolean): Promise<DetectedDatabase> {
  const questions = [askServer, askSqlite]
  if (isSqliteLikely) questions.reverse()
  for (const question of questions) {
    const detected = await question(send)
    if (detected) return detected
  }
  throw new errors.E_UNSUPPORTED('this database is neither Postgres, MySQL, MariaDB nor SQLite')
}

/** The name alone. */
export async function detectDialect(send: SendQuestion, isSqliteLikely: boolean): Promise<DialectName> {
  return (await detectDatabase(send, isSqliteLikely)).name
}

/** As each calls itself in `version()`; YugabyteDB: "PostgreSQL 15.2-YB-2025.1.0.0-b0 on …". */
const LACKS_FEATURES = /^CockroachDB|^PostgreSQL [\d.]+-YB-|-TiDB-|-vitess\b/i

async function askServer(send: SendQuestion): Promise<DetectedDatabase | undefined> {
  const version = await versionOf(send, 'select version() as version', meaningOfServerError)
  if (version === undefined) return undefined
  const name = /^(PostgreSQL|CockroachDB)/.test(version) ? 'postgres' : 'mysql'
  return { name, lacksFeatures: LACKS_FEATURES.test(version) }
}

async function askSqlite(send: SendQuestion): Promise<DetectedDatabase | undefined> {
  const version = await versionOf(send, 'select sqlite_version() as version', meaningOfSqliteError)
  if (version === undefined) return undefined
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 3 || (major === 3 && minor >= 42)) return { name: 'sqlite', lacksFeatures: false }
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
