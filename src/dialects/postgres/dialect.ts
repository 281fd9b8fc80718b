import type { ResolvedTable } from '../../options.ts'
import type { Answer, ParameterName, RenewalInput, StatementInput, TakeOverInput } from '../../statement.ts'
import type { ExtendAnswer, HandOverAnswer, LockDialect, TryAnswer, WantStepAnswer } from '../dialect.ts'
import { numberOf, numberOrNull } from '../numbers.ts'
import { takeOversJson } from '../presence-names.ts'
import { renewalsJson } from '../renewals-json.ts'
import { meaningOfPostgresError } from './errors.ts'
import { postgresPresence } from './presence.ts'
import { postgresRunStatements } from './run-statements.ts'
import { postgresSharingStatements } from './sharing-statements.ts'
import { postgresStatements } from './statements.ts'
import { postgresTransactionStatements } from './transaction-statements.ts'

/** Postgres 14 and newer, and what speaks its language. */
export function postgresDialect(table: ResolvedTable): LockDialect {
  const { acquire, ...statements } = postgresStatements(table)
  const { want, ...sharing } = postgresSharingStatements(table)
  const { acquire: acquireWithin, snapshot, ...transactionStatements } = postgresTransactionStatements(table)
  return {
    name: 'postgres',
    trySteps: [{ statement: acquire, read: readAcquire }],
    wantSteps: [{ statement: want, read: readWant }],
    statements: { ...statements, ...sharing, ...postgresRunStatements(table) },
    transaction: {
      trySteps: [{ name: 'acquire', statement: acquireWithin, read: readAcquire }],
      statements: { ...transactionStatements, extend: statements.extend },
      readExtend,
      beganUs: ({ rows }) => numberOrNull(rows[0]?.began) ?? undefined,
      isCurrent: ({ rows }) => rows[0]?.is_current === true,
      snapshotQuestion: snapshot,
      seesRowLocksEnd: false,
      isConflictSilent: false,
    },
    presence: postgresPresence(table),
    encode,
    readExtend,
    readExtendAll,
    readHandOver,
    meaningOf: meaningOfPostgresError,
  }
}

function encode<Name extends ParameterName>(name: Name, given: StatementInput[Name]): unknown {
  if (name === 'renewals') return renewalsJson(given as readonly RenewalInput[])
  if (name === 'keys') return JSON.stringify(given)
  return name === 'takeOvers' ? takeOversJson(given as readonly TakeOverInput[]) : given
}

export function readAcquire({ rows: [row, ...others] }: Answer): TryAnswer {
  if (others.length > 0) throw new TypeError('a try has one answer')
  // No row: the advisory lock or the unique index showed that somebody else is creating the key right now.
  if (!row) return { kind: 'locked' }
  if (row.is_granted) return { kind: 'granted', token: numberOf(row.token), grantedAtUs: numberOf(row.now) }
  const freeInUs = numberOrNull(row.free_in)
  if (freeInUs === null || freeInUs > 0) return { kind: 'held', freeInUs }
  // Free, and yet not taken: somebody else has the row locked, or its lease ran out since the transaction began.
  return { kind: 'locked', ranOutSinceBegin: row.has_run_out === true }
}

function readExtend({ rows: [row, ...others] }: Answer): ExtendAnswer {
  if (others.length > 0) throw new TypeError('an extension has one answer')
  if (!row) return { kind: 'lost' }
  return row.is_locked ? { kind: 'locked' } : { kind: 'extended', atUs: numberOf(row.now) }
}

function readExtendAll({ rows }: Answer, asked: readonly RenewalInput[]): ExtendAnswer[] {
  const byNumber = new Map(rows.map((row) => [numberOf(row.n), row]))
  return asked.map((_, n) => {
    const row = byNumber.get(n)
    return readExtend({ rows: row ? [row] : [], affectedRows: 0, insertId: 0 })
  })
}

function readHandOver({ rows: [row, ...others] }: Answer): HandOverAnswer {
  if (others.length > 0) throw new TypeError('a hand-over has one answer')
  if (!row) return { kind: 'lost' }
  if (row.is_locked) return { kind: 'locked' }
  return {
    kind: 'granted',
    token: numberOf(row.token),
    grantedAtUs: numberOf(row.now),
    isWanted: row.is_wanted === true,
  }
}

export function readWant({ rows: [row, ...others] }: Answer): WantStepAnswer {
  if (others.length > 0) throw new TypeError('a mark has one answer')
  if (!row) return 'free'
  return row.is_marked ? 'marked' : 'locked'
}
