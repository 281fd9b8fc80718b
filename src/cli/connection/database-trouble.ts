import { chainOf, driverText } from '../../dialects/error-codes.ts'
import type { ExitName } from '../exit-codes.ts'

/** What an error of a database driver means for whoever typed the command. */
export interface DatabaseTrouble {
  readonly exit: ExitName
  /** What the database, or Node.js, said. */
  readonly reason: string
  /** What to do. */
  readonly advice: string | undefined
}

interface Rule {
  readonly exit: ExitName
  readonly advice: string
  /** Codes of Node.js, SQLSTATEs, and names of the errors of MySQL, MariaDB and SQLite. */
  readonly codes: readonly string[]
}

const RULES: readonly Rule[] = [
  {
    exit: 'UNAVAILABLE',
    advice: 'is the server running, and are host and port right?',
    codes: ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'ECONNRESET'],
  },
  {
    exit: 'NO_RIGHTS',
    advice: 'look at the user name and the password',
    codes: ['28P01', '28000', 'ER_ACCESS_DENIED_ERROR', 'ER_NOT_SUPPORTED_AUTH_MODE'],
  },
  {
    exit: 'NO_RIGHTS',
    advice: 'the user needs select, insert, update and delete on the lock table, and create for `verrou migrate`',
    codes: [
      ...['42501', 'ER_TABLEACCESS_DENIED_ERROR', 'ER_DBACCESS_DENIED_ERROR', 'ER_COLUMNACCESS_DENIED_ERROR'],
      ...['ER_SPECIFIC_ACCESS_DENIED_ERROR', 'SQLITE_READONLY', 'SQLITE_READONLY_DIRECTORY', 'SQLITE_PERM'],
    ],
  },
  {
    exit: 'CONFIG',
    advice: 'look at the name of the database in the URL',
    codes: ['3D000', 'ER_BAD_DB_ERROR', 'ER_NO_DB_ERROR'],
  },
  { exit: 'CONFIG', advice: 'look at --schema', codes: ['3F000'] },
  {
    exit: 'CONFIG',
    advice: 'make the table with `verrou migrate`',
    codes: ['42P01', 'ER_NO_SUCH_TABLE'],
  },
  {
    exit: 'NOT_FOUND',
    advice: 'look at the path, and at the rights of its folder',
    codes: ['SQLITE_CANTOPEN', 'SQLITE_CANTOPEN_ISDIR', 'ERR_SQLITE_NO_FOLDER'],
  },
  { exit: 'CONFIG', advice: 'the file is no SQLite database', codes: ['SQLITE_NOTADB'] },
]

/** What better-sqlite3 says without a code. */
const NO_FOLDER = /directory does not exist/

/** Looks through an error and its causes. @returns `undefined` for one that no database has made */
export function databaseTroubleOf(error: unknown): DatabaseTrouble | undefined {
  for (const link of chainOf(error)) {
    const code = NO_FOLDER.test(String(link.message)) ? 'ERR_SQLITE_NO_FOLDER' : link.code
    const rule = RULES.find(({ codes }) => codes.includes(code as string))
    if (rule) return { exit: rule.exit, reason: reasonOf(link), advice: rule.advice }
  }
  for (const link of chainOf(error)) {
    if (isFromDriver(link)) return { exit: 'UNAVAILABLE', reason: reasonOf(link), advice: undefined }
  }
  return undefined
}

/** SQLSTATE; errno of MySQL; SQLite; a pool that could not connect in time. */
function isFromDriver({ code, sqlState, message }: Record<string, unknown>): boolean {
  if (typeof sqlState === 'string') return true
  if (typeof code === 'string' && /^([0-9A-Z]{5}|SQLITE_\w+|ER_\w+|PROTOCOL_\w+|E[A-Z]+)$/.test(code)) return true
  return /^Connection terminated|timeout exceeded when trying to connect/.test(String(message))
}

function reasonOf({ message, code }: Record<string, unknown>): string {
  // A host with several addresses, none of which answers, is an AggregateError without a message of its own.
  return message ? driverText(message) : String(code)
}
