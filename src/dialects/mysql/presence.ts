import type { ResolvedTable } from '../../options.ts'
import type { PresenceDialect } from '../dialect.ts'
import { readSeePresence, readTakenRows, readTakePresence } from '../presence-answers.ts'
import { mysqlPresenceStatements } from './presence-statements.ts'

/** Presences are locks of `get_lock`. */
export function mysqlPresence(table: ResolvedTable): PresenceDialect {
  return {
    statements: mysqlPresenceStatements(table),
    readTake: readTakePresence,
    readSee: readSeePresence,
    readWatch: ({ rows }) =>
      rows.map((row) => ({
        key: Buffer.from(String(row.key), 'hex').toString(),
        isGone: Number(row.is_gone) === 1,
      })),
    readTakeOver: ({ affectedRows }, asked) => (affectedRows === 0 ? asked.map(() => undefined) : null),
    readTookOver: readTakenRows,
  }
}
