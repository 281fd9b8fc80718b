import { isLockError } from '../../errors.ts'
import { CliError } from '../cli-error.ts'
import { databaseTroubleOf } from './database-trouble.ts'

/** What is thrown when the first question to a database has no answer: names the database. */
export function unreachable(url: string, error: unknown): unknown {
  if (error instanceof CliError || isLockError(error)) return error
  const { exit, reason, advice } = databaseTroubleOf(error) ?? {
    exit: 'UNAVAILABLE' as const,
    reason: error instanceof Error ? error.message : String(error),
    advice: undefined,
  }
  const hint = advice === undefined ? '' : `; ${advice}`
  return new CliError(exit, `cannot use ${url}: ${reason}${hint}`, { cause: error })
}
