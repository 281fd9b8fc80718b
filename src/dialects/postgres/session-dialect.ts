import type { ResolvedTable } from '../../options.ts'
import type { SessionDialect } from '../session-dialect.ts'
import { sessionDigest } from '../session-digest.ts'
import { listeningStatements } from './listening-statements.ts'
import { postgresSessionStatements } from './session-statements.ts'

/**
 * The session is ours alone: nothing of the role's or the app's settings may cut a statement short, or end the session for being idle. The server
 * is to notice within half a minute that a machine has vanished, and not after hours.
 */
const OPENING = {
  sql: `select set_config('statement_timeout', '0', false), set_config('idle_session_timeout', '0', false),
  set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
  set_config('tcp_keepalives_count', '3', false)`,
}

/** Session locks on Postgres: 64-bit numbers, for each database. */
export function postgresSessionDialect(table: ResolvedTable): SessionDialect {
  const channel = `verrou_session_${sessionDigest(table, '', '').slice(0, 16)}`
  const { listen, unlisten, probe } = listeningStatements(channel)
  return {
    statements: postgresSessionStatements(channel),
    databaseQuestion: undefined,
    opening: OPENING,
    hearing: { channel, listen, unlisten, notify: probe },
    areWantsShared: true,
    nameOf(key) {
      const digest = sessionDigest(table, '', key)
      return { lock: signed64(digest.slice(0, 16)), want: signed64(digest.slice(16, 32)) }
    },
  }
}

/** As decimal text: JavaScript numbers cannot hold it. */
function signed64(hex: string): string {
  return BigInt.asIntN(64, BigInt(`0x${hex}`)).toString()
}
