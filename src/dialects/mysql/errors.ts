import type { ErrorMeaning } from '../dialect.ts'
import { chainOf, meaningOfSystemCode } from '../error-codes.ts'

/**
 * https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html,
 * https://mariadb.com/kb/en/mariadb-error-code-reference/
 */
const BY_NUMBER: Readonly<Record<number, ErrorMeaning>> = {
  1213: 'transient', // ER_LOCK_DEADLOCK; on Galera also a certification conflict
  1020: 'transient', // ER_CHECKREAD: MariaDB with innodb_snapshot_isolation
  // Not 'transient': of a transaction, only the statement is undone.
  1205: 'stale', // ER_LOCK_WAIT_TIMEOUT
  1792: 'read-only', // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
  1146: 'missing-table', // ER_NO_SUCH_TABLE
  1049: 'missing-table', // ER_BAD_DB_ERROR: MySQL's answer where the schema does not exist
  1054: 'outdated-table', // ER_BAD_FIELD_ERROR
  1040: 'unreachable', // ER_CON_COUNT_ERROR
  1203: 'unreachable', // ER_TOO_MANY_USER_CONNECTIONS
  1053: 'unanswered', // ER_SERVER_SHUTDOWN
  1927: 'unanswered', // MariaDB: ER_CONNECTION_KILLED
  3169: 'unanswered', // ER_SESSION_WAS_KILLED
  4031: 'unanswered', // ER_CLIENT_INTERACTION_TIMEOUT
}

/** Of statements that do not wait: ER_LOCK_NOWAIT, which MariaDB calls ER_LOCK_WAIT_TIMEOUT, and ER_QUERY_TIMEOUT of a look. */
const ROW_LOCKED = new Set([3572, 1205, 3024])
const NEVER_WAIT = new Set([
  ...['acquire', 'create', 'extend', 'extend-uncounted', 'hand-over', 'want', 'look', 'take', 'create-within'],
])
/** A new key was created by somebody else first. */
const ER_DUP_ENTRY = 1062

const LOST = new Set(['PROTOCOL_CONNECTION_LOST', 'PROTOCOL_SEQUENCE_TIMEOUT', 'ER_SERVER_SHUTDOWN'])
const NO_CONNECTION = new Set(['POOL_CLOSED', 'POOL_ENQUEUELIMIT', 'POOL_NONEONLINE'])

/** What an error of a MySQL or MariaDB driver means. A number that is not listed is a refusal: nothing happened. */
export function meaningOfMysqlError(error: unknown, statement: string): ErrorMeaning {
  for (const { code, errno } of chainOf(error)) {
    if (NEVER_WAIT.has(statement) && ROW_LOCKED.has(errno as number)) return 'row-locked'
    if (errno === ER_DUP_ENTRY && statement === 'create') return 'row-locked'
    if (errno === ER_DUP_ENTRY && statement === 'create-within') return 'row-exists'
    const known = meaningOfSystemCode(code)
    if (known) return known
    if (LOST.has(code as string)) return 'unanswered'
    if (NO_CONNECTION.has(code as string)) return 'unreachable'
    if (typeof errno === 'number' && errno >= 1000) return BY_NUMBER[errno] ?? 'failed'
  }
  if (isQueueFull(error)) return 'unreachable'
  return isClosed(error) ? 'unanswered' : 'unknown'
}

/** `mysql2` gives this one no code, either: nothing was sent. */
function isQueueFull(error: unknown): boolean {
  return error instanceof Error && /queue limit reached/i.test(error.message)
}

/** `mysql2` gives some errors no code: "Can't add new command when connection is in closed state", "Pool is closed." */
function isClosed(error: unknown): boolean {
  return error instanceof Error && /closed|connection lost/i.test(error.message)
}
