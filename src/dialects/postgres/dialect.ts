import type { ResolvedTable } from '../../options.ts'
import type { Answer } from '../../statement.ts'
import type { LockDialect, TryAnswer } from '../dialect.ts'
import { numberOf, numberOrNull } from '../numbers.ts'
import { meaningOfPostgresError } from './errors.ts'
import { postgresStatements } from './statements.ts'

/** Postgres 14 and newer, and what speaks its language. */
export function postgresDialect(table: ResolvedTable): LockDialect {
  const { acquire, ...statements } = postgresStatements(table)
  return {
    name: 'postgres',
    trySteps: [{ statement: acquire, read: readAcquire }],
    statements,
    encode: (_name, given) => given,
    readExtend: ({ rows }) => (rows[0] ? numberOf(rows[0].now) : null),
    meaningOf: meaningOfPostgresError,
  }
}

function readAcquire({ rows: [row, ...others] }: Answer): TryAnswer {
  if (others.length > 0) throw new TypeError('a try has one answer')
  // No row: the advisory lock or the unique index showed that somebody else is creating the key right now.
  if (!row) return { kind: 'locked' }
  if (row.is_granted) return { kind: 'granted', token: numberOf(row.token), grantedAtUs: numberOf(row.now) }
  const freeInUs = numberOrNull(row.free_in)
  // Free, and yet not taken: somebody else has the row locked.
  return freeInUs !== null && freeInUs <= 0 ? { kind: 'locked' } : { kind: 'held', freeInUs }
}
