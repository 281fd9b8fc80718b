import type { ResolvedTable } from '../../options.ts'
import type { Answer } from '../../statement.ts'
import type { LockDialect, TryAnswer } from '../dialect.ts'
import { numberOf, numberOrNull } from '../numbers.ts'
import { meaningOfSqliteError } from './errors.ts'
import { sqliteStatements } from './statements.ts'

/** SQLite 3.42 and newer. */
export function sqliteDialect(table: ResolvedTable): LockDialect {
  const { peek, acquire, ...statements } = sqliteStatements(table)
  return {
    name: 'sqlite',
    trySteps: [
      { statement: peek, read: readPeek },
      { statement: acquire, read: readAcquire },
    ],
    statements,
    encode: (_name, given) => given,
    readExtend: ({ rows }) => (rows[0] ? numberOf(rows[0].now) : null),
    meaningOf: meaningOfSqliteError,
  }
}

function readPeek({ rows: [row] }: Answer): TryAnswer {
  return row && numberOf(row.is_held) === 1 ? { kind: 'held', freeInUs: numberOrNull(row.free_in) } : { kind: 'open' }
}

function readAcquire({ rows: [row] }: Answer): TryAnswer {
  // Taken between the look and now.
  if (!row) return { kind: 'locked' }
  return { kind: 'granted', token: numberOf(row.token), grantedAtUs: numberOf(row.now) }
}
