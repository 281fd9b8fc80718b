import type { ResolvedTable } from '../../options.ts'
import type { Answer } from '../../statement.ts'
import type { ErrorMeaning, LockDialect, TryAnswer } from '../dialect.ts'
import { chainOf } from '../error-codes.ts'
import { numberOf } from '../numbers.ts'
import { postgresDialect, readAcquire, readWant } from './dialect.ts'
import { meaningOfPostgresError } from './errors.ts'
import { portablePostgresRenewalStatements } from './portable-renewal-statements.ts'
import { portablePostgresSharingStatements } from './portable-sharing-statements.ts'
import { portablePostgresStatements } from './portable-statements.ts'
import { portablePostgresTransactionStatements } from './portable-transaction-statements.ts'

/** lock_not_available: lock_timeout is over, and another transaction is still creating the key. */
const LOCK_NOT_AVAILABLE = '55P03'
const CREATES = new Set(['portable-create', 'portable-create-within'])

/** Postgres, and what speaks its language without all of its features. */
export function portablePostgresDialect(table: ResolvedTable): LockDialect {
  const { acquire, create, ...statements } = portablePostgresStatements(table)
  const { want, ...sharing } = portablePostgresSharingStatements(table)
  const renewals = portablePostgresRenewalStatements(table)
  const within = portablePostgresTransactionStatements(table)
  const whole = postgresDialect(table)
  return {
    ...whole,
    session: undefined,
    presence: undefined,
    trySteps: [
      { statement: acquire, read: readKnown },
      { statement: create, read: readCreate },
    ],
    wantSteps: [{ statement: want, read: readWant }],
    statements: { ...whole.statements, ...statements, ...sharing, ...renewals },
    together: undefined,
    transaction: {
      ...whole.transaction,
      trySteps: [
        { name: 'acquire', statement: within.acquire, read: readKnown },
        {
          name: 'create',
          statement: within.create,
          read: readCreate,
          around: { before: within.save, after: within.unsave, onError: within.undo },
        },
      ],
      statements: { extend: renewals.extend, release: within.release, guard: within.guard },
    },
    meaningOf,
  }
}

function readKnown(answer: Answer): TryAnswer {
  return answer.rows.length === 0 ? { kind: 'open' } : readAcquire(answer)
}

function readCreate({ rows: [row] }: Answer): TryAnswer {
  // No row: somebody else was faster.
  return row ? { kind: 'granted', token: numberOf(row.token), grantedAtUs: numberOf(row.now) } : { kind: 'locked' }
}

function meaningOf(error: unknown, statement: string): ErrorMeaning {
  const hasWaited = CREATES.has(statement) && [...chainOf(error)].some(({ code }) => code === LOCK_NOT_AVAILABLE)
  return hasWaited ? 'row-locked' : meaningOfPostgresError(error)
}
