import type { ResolvedTable } from '../../options.ts'
import type { PresenceDialect } from '../dialect.ts'
import { readSeePresence, readTakenRows, readTakePresence } from '../presence-answers.ts'
import { postgresPresenceStatements } from './presence-statements.ts'

/** Presences are advisory locks of sessions. */
export function postgresPresence(table: ResolvedTable): PresenceDialect {
  return {
    statements: postgresPresenceStatements(table),
    readTake: readTakePresence,
    readSee: readSeePresence,
    readWatch: ({ rows }) => rows.map((row) => ({ key: String(row.key), isGone: row.is_gone === true })),
    readTakeOver: readTakenRows,
  }
}
