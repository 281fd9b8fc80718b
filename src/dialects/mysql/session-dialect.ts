import type { ResolvedTable } from '../../options.ts'
import type { SessionDialect } from '../session-dialect.ts'
import { sessionDigest } from '../session-digest.ts'
import { mysqlSessionStatements } from './session-statements.ts'

/**
 * MySQL takes at most 64 characters, and does not tell upper case from lower; MariaDB counts bytes. So names are these, always: a prefix that says
 * whose they are, and 224 bits of the digest.
 */
const DIGITS = 56

/**
 * Names belong to the server, not to a database: so the database is part of what they are made from. The server is to end the session of a machine
 * that has vanished after a minute, and not after the eight hours of the default: a session that is well sends a heartbeat every few seconds.
 */
export function mysqlSessionDialect(table: ResolvedTable): SessionDialect {
  return {
    statements: mysqlSessionStatements(),
    databaseQuestion: table.schema === undefined ? { sql: "select coalesce(database(), '') as name" } : undefined,
    opening: { sql: 'set session wait_timeout = 60' },
    hearing: undefined,
    areWantsShared: false,
    nameOf(key, database) {
      const digest = sessionDigest({ ...table, schema: undefined }, table.schema ?? database, key).slice(0, DIGITS)
      return { lock: `verrou-${digest}`, want: `verrouw${digest}` }
    },
  }
}
