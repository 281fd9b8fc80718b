import { CommanderError } from 'commander'
import { isLockError, type LockError, type LockErrorCode } from '../errors.ts'
import { CliError } from './cli-error.ts'
import { databaseTroubleOf } from './connection/database-trouble.ts'
import type { ExitName } from './exit-codes.ts'
import { printable } from './output/printable.ts'

/** What is told of an error, and how the command exits. */
export interface Failure {
  readonly exit: ExitName
  /** One line. */
  readonly message: string
  /** The code of a LockError. */
  readonly code?: LockErrorCode
}

/** Every code of the library; those of the storage are looked at more closely. */
const EXITS: Readonly<Partial<Record<LockErrorCode, ExitName>>> = {
  E_LOCK_TIMEOUT: 'NOT_GRANTED',
  E_LOCK_LOST: 'LOCK_LOST',
  E_LOCK_NOT_OWNED: 'LOCK_LOST',
  E_SCHEMA_MISSING: 'CONFIG',
  E_SCHEMA_OUTDATED: 'CONFIG',
  E_INVALID_KEY: 'USAGE',
  E_INVALID_DURATION: 'USAGE',
  E_INVALID_OPTION: 'USAGE',
}

/** The one place where an error becomes words and an exit code. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CliError) return { exit: error.exit, message: oneLine(error.message) }
  if (error instanceof CommanderError) return { exit: 'USAGE', message: usageMessage(error) }
  if (isLockError(error)) return lockFailure(error)
  const trouble = databaseTroubleOf(error)
  if (trouble) return { exit: trouble.exit, message: oneLine(sentence(trouble.reason, trouble.advice)) }
  const message = error instanceof Error ? error.message : String(error)
  return { exit: 'INTERNAL', message: oneLine(`this is a bug of verrou-sql: ${message} (VERROU_DEBUG=1 prints where)`) }
}

function lockFailure(error: LockError): Failure {
  const { code } = error
  const trouble = databaseTroubleOf(error.cause)
  const message = oneLine(schemaMessage(error) ?? sentence(error.message, trouble?.advice))
  return { exit: EXITS[code] ?? trouble?.exit ?? 'UNAVAILABLE', message, code }
}

/** The library names the ways of programs; here, there is one. */
function schemaMessage({ code, details }: LockError): string | undefined {
  if (code === 'E_SCHEMA_MISSING') return `the table ${details.table} does not exist; run \`verrou migrate\``
  if (code === 'E_SCHEMA_OUTDATED') return `the table ${details.table} lacks a column; run \`verrou migrate\``
  return undefined
}

/** Commander: "error: unknown option '--wat'\n(Did you mean --wait?)". */
function usageMessage({ message }: CommanderError): string {
  return oneLine(message.replace(/^error: /, '').replace(/\n\((.*)\)$/s, '; $1'))
}

function sentence(reason: string, advice: string | undefined): string {
  return advice === undefined || reason.includes(advice) ? reason : `${reason}; ${advice}`
}

const WITH_PASSWORD = /(:\/\/[^\s:/@]*):[^\s/]*@/g

/** What a terminal would obey is written out, and passwords are not: drivers repeat what they were given. */
function oneLine(text: string): string {
  const line = text.replace(/\s*\n\s*/g, ' ').replace(WITH_PASSWORD, '$1@')
  return printable(line).replace(/\\(["\\])/g, '$1')
}
