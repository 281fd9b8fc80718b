import type { ResolvedTable } from '../../options.ts'
import type { Answer, ParameterName, StatementInput } from '../../statement.ts'
import type { ExtendAnswer, LockDialect, TransactionStep, TryAnswer } from '../dialect.ts'
import { numberOf, numberOrNull } from '../numbers.ts'
import { meaningOfSqliteError } from './errors.ts'
import { sqliteStatements } from './statements.ts'

/**
 * SQLite's clock is cut off to the millisecond, so it can be that much behind the true time of a grant. The lease is as much
 * longer: its holder, who counts from before it asked, must never believe in it for longer than the database does.
 */
const RESOLUTION_US = 1000

/** SQLite 3.42 and newer. */
export function sqliteDialect(table: ResolvedTable): LockDialect {
  const { peek, acquire, guard, ...statements } = sqliteStatements(table)
  const trySteps: readonly TransactionStep[] = [
    { name: 'peek', statement: peek, read: readPeek },
    { name: 'acquire', statement: acquire, read: readAcquire },
  ]
  return {
    name: 'sqlite',
    trySteps,
    statements,
    transaction: {
      trySteps,
      statements: { extend: statements.extend, release: statements.release, guard },
      readExtend,
      isCurrent: ({ rows }) => rows.length > 0,
      // A reader keeps its snapshot; a writer keeps everybody else from writing.
      snapshotQuestion: 'always',
      seesRowLocksEnd: false,
      isConflictSilent: false,
    },
    encode,
    readExtend,
    meaningOf: meaningOfSqliteError,
  }
}

function encode<Name extends ParameterName>(name: Name, given: StatementInput[Name]): unknown {
  return name === 'ttlUs' && typeof given === 'number' && given > 0 ? given + RESOLUTION_US : given
}

function readPeek({ rows: [row] }: Answer): TryAnswer {
  return row && numberOf(row.is_held) === 1 ? { kind: 'held', freeInUs: numberOrNull(row.free_in) } : { kind: 'open' }
}

function readAcquire({ rows: [row] }: Answer): TryAnswer {
  // Taken between the look and now.
  if (!row) return { kind: 'locked' }
  return { kind: 'granted', token: numberOf(row.token), grantedAtUs: numberOf(row.now) }
}

function readExtend({ rows: [row] }: Answer): ExtendAnswer {
  return row ? { kind: 'extended', atUs: numberOf(row.now) } : { kind: 'lost' }
}
