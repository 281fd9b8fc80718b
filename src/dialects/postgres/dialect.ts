import type { ResolvedTable } from '../../options.ts'
import type { Answer, ParameterName, RenewalInput, StatementInput } from '../../statement.ts'
import type { ExtendAnswer, HandOverAnswer, LockDialect, TryAnswer, WantStepAnswer } from '../dialect.ts'
import { holdsJson, keysJson, renewalsJson, triesJson } from '../lists-json.ts'
import { numberOf, numberOrNull } from '../numbers.ts'
import { takeOversJson } from '../presence-names.ts'
import { meaningOfPostgresError } from './errors.ts'
import { postgresOverviewStatements } from './overview-statements.ts'
import { postgresPresence } from './presence.ts'
import { readAcquireRow } from './read-acquire-row.ts'
import { postgresRenewalStatements } from './renewal-statements.ts'
import { postgresRunStatements } from './run-statements.ts'
import { postgresSessionDialect } from './session-dialect.ts'
import { postgresSharingStatements } from './sharing-statements.ts'
import { postgresStatements } from './statements.ts'
import { postgresTogether } from './together.ts'
import { postgresTransactionStatements } from './transaction-statements.ts'

/** Postgres 14 and newer, and what speaks its language. */
export function postgresDialect(table: ResolvedTable): LockDialect {
  const { acquire, ...statements } = postgresStatements(table)
  const { want, ...sharing } = postgresSharingStatements(table)
  const renewals = postgresRenewalStatements(table)
  const { acquire: acquireWithin, snapshot, ...transactionStatements } = postgresTransactionStatements(table)
  return {
    name: 'postgres',
    trySteps: [{ statement: acquire, read: readAcquire }],
    wantSteps: [{ statement: want, read: readWant }],
    statements: {
      ...{ ...statements, ...sharing, ...renewals },
      ...postgresOverviewStatements(table),
      ...postgresRunStatements(table),
    },
    transaction: {
      trySteps: [{ name: 'acquire', statement: acquireWithin, read: readAcquire }],
      statements: { ...transactionStatements, extend: renewals.extend },
      readExtend,
      beganUs: ({ rows }) => numberOrNull(rows[0]?.began) ?? undefined,
      isCurrent: ({ rows }) => rows[0]?.is_current === true,
      snapshotQuestion: snapshot,
      seesRowLocksEnd: false,
      isConflictSilent: false,
    },
    together: postgresTogether(table),
    session: postgresSessionDialect(table),
    presence: postgresPresence(table),
    encode,
    readExtend,
    readExtendAll,
    readHandOver,
    meaningOf: meaningOfPostgresError,
  }
}

/** Lists are sent as one text of JSON. */
const LISTS: Partial<Record<ParameterName, (given: never) => string>> = {
  renewals: renewalsJson,
  tries: triesJson,
  holds: holdsJson,
  keys: keysJson,
  takeOvers: takeOversJson,
}

function encode<Name extends ParameterName>(name: Name, given: StatementInput[Name]): unknown {
  const asJson = LISTS[name]
  return asJson ? asJson(given as never) : given
}

export function readAcquire({ rows: [row, ...others] }: Answer): TryAnswer {
  if (others.length > 0) throw new TypeError('a try has one answer')
  // No row: the advisory lock or the unique index showed that somebody else is creating the key right now.
  if (!row) return { kind: 'locked' }
  return readAcquireRow(row)
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
