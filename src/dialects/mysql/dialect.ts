import type { ResolvedTable } from '../../options.ts'
import type { Answer, ParameterName, RenewalInput, StatementInput } from '../../statement.ts'
import type {
  ExtendAnswer,
  HandOverAnswer,
  LockDialect,
  LockStatements,
  TransactionDialect,
  TryAnswer,
} from '../dialect.ts'
import { holdsJson, keysJson, renewalsJson, triesJson } from '../lists-json.ts'
import { numberOf, numberOrNull } from '../numbers.ts'
import { takeOversJson } from '../presence-names.ts'
import { meaningOfMysqlError } from './errors.ts'
import { mysqlOverviewStatements } from './overview-statements.ts'
import { mysqlPresence } from './presence.ts'
import { mysqlRenewalStatements } from './renewal-statements.ts'
import { mysqlRunStatements } from './run-statements.ts'
import { mysqlSessionDialect } from './session-dialect.ts'
import { mysqlSharingStatements } from './sharing-statements.ts'
import { mysqlStatements } from './statements.ts'
import { mysqlTogether } from './together.ts'
import { toldByInsertId } from './told-by-insert-id.ts'
import { mysqlTransactionStatements } from './transaction-statements.ts'

/** Columns of bytes: sent as bytes, so that no connection charset can change them. */
const BYTES: ReadonlySet<ParameterName> = new Set([
  ...(['key', 'owner', 'attempt', 'heirOwner', 'heirAttempt', 'afterKey', 'fromKey', 'prefix'] as const),
])

/** Lists are sent as one text of JSON, and what is bytes in it as hexadecimal digits. */
const LISTS: Partial<Record<ParameterName, (given: never) => string>> = {
  renewals: (given) => renewalsJson(given, hexOf),
  tries: (given) => triesJson(given, hexOf),
  holds: (given) => holdsJson(given, hexOf),
  keys: (given) => keysJson(given, hexOf),
  takeOvers: (given) => takeOversJson(given, hexOf),
  sessionLocks: JSON.stringify,
  sessionWants: JSON.stringify,
}

/** MySQL 8.4 and newer, MariaDB 10.11 and newer: the same words for both. */
export function mysqlDialect(table: ResolvedTable): LockDialect {
  const { acquire, create, ...statements } = mysqlStatements(table)
  const { want, ...sharing } = mysqlSharingStatements(table)
  const renewals = mysqlRenewalStatements(table)
  return {
    name: 'mysql',
    trySteps: [
      { statement: acquire, read: readAcquire },
      { statement: create, read: readCreate },
    ],
    wantSteps: [{ statement: want, read: ({ insertId }) => (insertId === 0 ? 'free' : 'marked') }],
    statements: {
      ...{ ...statements, ...sharing, ...renewals },
      ...mysqlOverviewStatements(table),
      ...mysqlRunStatements(table),
    },
    transaction: transactionDialect(table, { ...statements, ...renewals }),
    together: mysqlTogether(table),
    session: mysqlSessionDialect(table),
    presence: mysqlPresence(table),
    encode,
    readExtend,
    readExtendAll,
    readHandOver,
    meaningOf: meaningOfMysqlError,
  }
}

function encode<Name extends ParameterName>(name: Name, given: StatementInput[Name]): unknown {
  if (typeof given === 'boolean') return Number(given)
  const asJson = LISTS[name]
  if (asJson) return asJson(given as never)
  return BYTES.has(name) && given !== null ? Buffer.from(given as string) : given
}

function hexOf(text: string): string {
  return Buffer.from(text).toString('hex')
}

function transactionDialect(
  table: ResolvedTable,
  { extend, release }: Pick<LockStatements, 'extend' | 'release'>,
): TransactionDialect {
  const { look, take, create, hurry, unhurry, lockLive, guard, snapshot } = mysqlTransactionStatements(table)
  return {
    trySteps: [
      { name: 'look', statement: look, read: readLook },
      { name: 'take', statement: take, read: readTake },
      { name: 'create-on-mariadb', statement: create, read: readTake },
      { name: 'create-on-mysql', statement: create, read: readTake, around: { before: hurry, after: unhurry } },
    ],
    statements: { extend, release, guard },
    lockLive,
    readExtend: ({ rows: [row] }) => (row ? { kind: 'extended', atUs: numberOf(row.now) } : { kind: 'lost' }),
    isCurrent: ({ affectedRows, insertId }) => affectedRows > 0 || insertId > 0,
    snapshotQuestion: snapshot,
    seesRowLocksEnd: true,
    isConflictSilent: true,
  }
}

function readAcquire({ affectedRows, insertId }: Answer): TryAnswer {
  if (affectedRows > 0) return granted(insertId)
  if (insertId === 0) return { kind: 'open' }
  return { kind: 'held', freeInUs: insertId >= Number.MAX_SAFE_INTEGER ? null : insertId }
}

function readCreate({ insertId }: Answer): TryAnswer {
  return granted(insertId)
}

function readExtend({ affectedRows, insertId }: Answer): ExtendAnswer {
  if (affectedRows > 0) return { kind: 'extended', atUs: toldByInsertId(insertId) }
  return { kind: 'lost' }
}

/** A token that JavaScript cannot hold exactly would be the same as the next one. */
function granted(insertId: number): TryAnswer {
  const token = numberOf(toldByInsertId(insertId))
  return { kind: 'granted', token, grantedAtUs: token }
}

function readLook({ rows: [row] }: Answer): TryAnswer {
  if (!row) throw new TypeError('a look has one answer')
  const nowUs = numberOf(row.now)
  if (Number(row.is_held) === 1) return { kind: 'held', freeInUs: numberOrNull(row.free_in), nowUs }
  if (Number(row.is_known) === 1)
    return {
      kind: 'open',
      next: 'take',
      seen: String(row.seen),
      ranOutUs: numberOrNull(row.ran_out),
      nowUs,
    }
  return { kind: 'open', next: Number(row.is_mariadb) === 1 ? 'create-on-mariadb' : 'create-on-mysql', nowUs }
}

/** Of a key that was free when it was looked at. */
function readTake({ affectedRows, insertId }: Answer): TryAnswer {
  return affectedRows === 0 ? { kind: 'met' } : granted(insertId)
}

/** A renewal that changed nothing (never, and never again) is not counted by every driver: then each one is asked for by itself. */
function readExtendAll({ affectedRows, insertId }: Answer, asked: readonly RenewalInput[]): ExtendAnswer[] | null {
  if (insertId === 0 || affectedRows !== asked.length) return null
  return asked.map(() => ({ kind: 'extended', atUs: insertId }))
}

/** The token is odd if the key is wanted. */
function readHandOver({ insertId }: Answer): HandOverAnswer {
  if (insertId === 0) return { kind: 'lost' }
  return { kind: 'granted', token: insertId, grantedAtUs: insertId, isWanted: insertId % 2 === 1 }
}
