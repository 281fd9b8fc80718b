import type { ErrorMeaning } from '../dialect.ts'
import { chainOf, meaningOfSystemCode } from '../error-codes.ts'

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const BY_SQLSTATE: Readonly<Record<string, ErrorMeaning>> = {
  '40001': 'transient', // serialization_failure
  '40P01': 'transient', // deadlock_detected
  '55P03': 'transient', // lock_not_available: a lock_timeout that the caller has set
  '25006': 'read-only', // read_only_sql_transaction
  '25P02': 'transaction-failed', // in_failed_sql_transaction
  '42P01': 'missing-table', // undefined_table
  '3F000': 'missing-table', // invalid_schema_name
  '42703': 'outdated-table', // undefined_column
  '08001': 'unreachable', // sqlclient_unable_to_establish_sqlconnection
  '08004': 'unreachable', // sqlserver_rejected_establishment_of_sqlconnection
  '53300': 'unreachable', // too_many_connections
  '57P03': 'unreachable', // cannot_connect_now: starting up, shutting down
  '08000': 'unanswered', // connection_exception
  '08003': 'unanswered', // connection_does_not_exist
  '08006': 'unanswered', // connection_failure
  '08P01': 'unanswered', // protocol_violation: what PgBouncer says of every trouble of its own, as of a server that it has lost
  '57P01': 'unanswered', // admin_shutdown: somebody ended our session
  '57P02': 'unanswered', // crash_shutdown
  '57P05': 'unanswered', // idle_session_timeout
}

const SQLSTATE = /^[0-9A-Z]{5}$/

/** What an error of a Postgres driver means. An SQLSTATE that is not listed is a refusal: nothing happened. */
export function meaningOfPostgresError(error: unknown): ErrorMeaning {
  for (const { code } of chainOf(error)) {
    const known = meaningOfSystemCode(code)
    if (known) return known
    if (typeof code === 'string' && SQLSTATE.test(code)) return BY_SQLSTATE[code] ?? 'failed'
  }
  return isPoolTimeout(error) ? 'unreachable' : isPlainError(error) ? 'unanswered' : 'unknown'
}

/** `pg` gives its own errors no code. These two mean that no connection could be had. */
function isPoolTimeout(error: unknown): boolean {
  return (
    error instanceof Error &&
    /timeout exceeded when trying to connect|after calling end on the pool/.test(error.message)
  )
}

/** `pg` throws plain errors for a lost connection ("Connection terminated unexpectedly"); bugs have other classes. */
function isPlainError(error: unknown): boolean {
  return error instanceof Error && error.constructor.name === 'Error'
}
