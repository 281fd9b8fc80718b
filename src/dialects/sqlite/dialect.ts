import type { ResolvedTable } from '../../options.ts'
import type { Answer, ParameterName, RenewalInput, StatementInput } from '../../statement.ts'
import type {
  ExtendAnswer,
  HandOverAnswer,
  LockDialect,
  TransactionStep,
  TryAnswer,
  WantStepAnswer,
} from '../dialect.ts'
import { keysJson, renewalsJson } from '../lists-json.ts'
import { numberOf, numberOrNull } from '../numbers.ts'
import { meaningOfSqliteError } from './errors.ts'
import { sqliteOverviewStatements } from './overview-statements.ts'
import { sqliteRenewalStatements } from './renewal-statements.ts'
import { sqliteRunStatements } from './run-statements.ts'
import { sqliteSharingStatements } from './sharing-statements.ts'
import { sqliteStatements } from './statements.ts'

/**
 * SQLite's clock is cut off to the millisecond, so it can be that much behind the true time of a grant. The lease is as much
 * longer: its holder, who counts from before it asked, must never believe in it for longer than the database does.
 */
const RESOLUTION_US = 1000

/** SQLite 3.42 and newer. */
export function sqliteDialect(table: ResolvedTable): LockDialect {
  const { peek, acquire, guard, ...statements } = sqliteStatements(table)
  const { wantLook, want, ...sharing } = sqliteSharingStatements(table)
  const renewals = sqliteRenewalStatements(table)
  const trySteps: readonly TransactionStep[] = [
    { name: 'peek', statement: peek, read: readPeek },
    { name: 'acquire', statement: acquire, read: readAcquire },
  ]
  return {
    name: 'sqlite',
    trySteps,
    wantSteps: [
      { statement: wantLook, read: readWantLook },
      { statement: want, read: readWant },
    ],
    statements: {
      ...{ ...statements, ...sharing, ...renewals },
      ...sqliteOverviewStatements(table),
      ...sqliteRunStatements(table),
    },
    transaction: {
      trySteps,
      statements: { extend: renewals.extend, release: statements.release, guard },
      readExtend,
      isCurrent: ({ rows }) => rows.length > 0,
      // A reader keeps its snapshot; a writer keeps everybody else from writing.
      snapshotQuestion: 'always',
      seesRowLocksEnd: false,
      isConflictSilent: false,
    },
    session: undefined,
    encode,
    readExtend,
    readExtendAll,
    readHandOver,
    meaningOf: meaningOfSqliteError,
  }
}

function encode<Name extends ParameterName>(name: Name, given: StatementInput[Name]): unknown {
  if (name === 'ttlUs') return withResolution(given as number | null)
  if (typeof given === 'boolean') return Number(given)
  if (name === 'keys') return keysJson(given as readonly string[])
  if (name !== 'renewals') return given
  return renewalsJson(
    (given as readonly RenewalInput[]).map((renewal) => ({ ...renewal, ttlUs: withResolution(renewal.ttlUs) })),
  )
}

function withResolution(ttlUs: number | null): number | null {
  return ttlUs !== null && ttlUs > 0 ? ttlUs + RESOLUTION_US : ttlUs
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

function readExtendAll({ rows }: Answer, asked: readonly RenewalInput[]): ExtendAnswer[] {
  const momentOf = new Map(rows.map((row) => [`${numberOf(row.token)}:${String(row.key)}`, numberOf(row.now)]))
  return asked.map(({ key, token }) => {
    const atUs = momentOf.get(`${token}:${key}`)
    return atUs === undefined ? { kind: 'lost' } : { kind: 'extended', atUs }
  })
}

function readHandOver({ rows: [row] }: Answer): HandOverAnswer {
  if (!row) return { kind: 'lost' }
  return {
    kind: 'granted',
    token: numberOf(row.token),
    grantedAtUs: numberOf(row.now),
    isWanted: numberOf(row.is_wanted) === 1,
  }
}

function readWantLook({ rows: [row] }: Answer): WantStepAnswer {
  if (!row) return 'free'
  return numberOf(row.is_marked) === 1 ? 'marked' : 'open'
}

function readWant({ rows: [row] }: Answer): WantStepAnswer {
  return row ? 'marked' : 'free'
}
