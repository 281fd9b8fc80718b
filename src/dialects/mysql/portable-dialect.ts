import type { ResolvedTable } from '../../options.ts'
import type { Answer, StatementInput } from '../../statement.ts'
import type { ErrorMeaning, FoundHold, LockDialect, TransactionDialect, TryAnswer, TryStep } from '../dialect.ts'
import { chainOf } from '../error-codes.ts'
import { numberOf, numberOrNull } from '../numbers.ts'
import { mysqlDialect } from './dialect.ts'
import { meaningOfMysqlError } from './errors.ts'
import { portableMysqlStatements } from './portable-statements.ts'
import { portableMysqlTransactionStatements } from './portable-transaction-statements.ts'
import { mysqlTransactionStatements } from './transaction-statements.ts'

type PortableStatements = ReturnType<typeof portableMysqlStatements>

/** MySQL and MariaDB, and what speaks their language without all of its features. */
export function portableMysqlDialect(table: ResolvedTable): LockDialect {
  const worded = portableMysqlStatements(table)
  const { look, take, create, wantLook, want, lookHold, extend, renew, handOver, sweepDelete } = worded
  const whole = mysqlDialect(table)
  return {
    ...whole,
    session: undefined,
    trySteps: [
      { statement: look, read: readLook },
      { name: 'take', statement: take, read: readTake },
      { name: 'create', statement: create, read: readCreate },
      readingCreated(worded),
    ],
    wantSteps: [
      {
        statement: wantLook,
        read: ({ rows: [row] }) => (!row ? 'free' : Number(row.wanted) === 1 ? 'marked' : 'open'),
      },
      { statement: want, read: ({ affectedRows }) => (affectedRows > 0 ? 'marked' : 'free') },
    ],
    holdLook: { statement: lookHold, read: readHold },
    statements: { ...whole.statements, extend, extendAll: renew, handOver, sweepDelete },
    together: undefined,
    transaction: transactionDialect(table, whole.transaction, worded),
    presence: undefined,
    readExtend: () => {
      throw new TypeError('a portable extension is read by the look before it')
    },
    meaningOf,
  }
}

function readingCreated({ created }: PortableStatements): TryStep & { readonly name: string } {
  return {
    name: 'created',
    statement: created,
    read: ({ rows: [row] }) =>
      row
        ? { kind: 'granted', token: numberOf(row.token), grantedAtUs: numberOf(row.acquired_at) }
        : // Somebody has freed it by force.
          { kind: 'locked' },
  }
}

function transactionDialect(
  table: ResolvedTable,
  whole: TransactionDialect,
  worded: PortableStatements,
): TransactionDialect {
  const { hurry, unhurry } = mysqlTransactionStatements(table)
  const { lock, guard } = portableMysqlTransactionStatements(table)
  const [look] = whole.trySteps
  if (!look) throw new TypeError('a try begins with a look')
  return {
    ...whole,
    trySteps: [
      { ...look, read: (answer, input) => withoutKinds(look.read(answer, input)) },
      { name: 'take', statement: lock, read: readLock },
      { name: 'write', statement: worded.take, read: readTake },
      { name: 'create', statement: worded.createWithin, read: readCreate, around: { before: hurry, after: unhurry } },
      readingCreated(worded),
    ],
    statements: { ...whole.statements, extend: worded.extend, guard },
    isCurrent: ({ affectedRows }) => affectedRows > 0,
  }
}

/** One way to create serves all kinds of servers. */
function withoutKinds(answer: TryAnswer): TryAnswer {
  return answer.kind === 'open' && answer.next !== 'take' ? { ...answer, next: 'create' } : answer
}

function readLook({ rows: [row] }: Answer): TryAnswer {
  if (!row) return { kind: 'open', next: 'create' }
  if (Number(row.is_held) === 1) return { kind: 'held', freeInUs: numberOrNull(row.free_in) }
  return { kind: 'open', next: 'take', found: { seen: String(row.seen), ...nextOf(row) } }
}

/** Of a key that was free when it was looked at: whether it is still that row. */
function readLock({ rows: [row] }: Answer): TryAnswer {
  return row ? { kind: 'open', next: 'write', found: nextOf(row) } : { kind: 'met' }
}

function nextOf(row: Readonly<Record<string, unknown>>) {
  return { nextToken: numberOf(row.next_token), nowUs: numberOf(row.now) }
}

function readTake({ affectedRows }: Answer, { nextToken, nowUs }: Partial<StatementInput>): TryAnswer {
  if (affectedRows === 0) return { kind: 'locked' }
  return { kind: 'granted', token: numberOf(nextToken), grantedAtUs: numberOf(nowUs) }
}

function readCreate(): TryAnswer {
  return { kind: 'open', next: 'created' }
}

function readHold({ rows: [row] }: Answer): FoundHold | null {
  if (!row) return null
  return { isLive: Number(row.is_live) === 1, isWanted: Number(row.wanted) === 1, ...nextOf(row) }
}

/** The names of the others that these stand for: what an error means depends on what was said. */
const STANDS_FOR: Readonly<Record<string, string>> = {
  'portable-look': 'acquire',
  'portable-take': 'take',
  'portable-create': 'create',
  'portable-create-within': 'create-within',
  'portable-look-hold': 'extend',
  'portable-extend': 'extend',
  'portable-extend-uncounted': 'extend',
  'portable-renew': 'extend',
  'portable-renew-uncounted': 'extend',
  'portable-hand-over': 'hand-over',
  'portable-want-look': 'want',
  'portable-want': 'want',
  'portable-lock': 'take',
}

/** TiDB: somebody else wrote the row first, in a transaction that took no locks. https://docs.pingcap.com/tidb/stable/error-codes */
const WRITE_CONFLICT = 9007

function meaningOf(error: unknown, statement: string): ErrorMeaning {
  if ([...chainOf(error)].some(({ errno }) => errno === WRITE_CONFLICT)) return 'transient'
  return meaningOfMysqlError(error, STANDS_FOR[statement] ?? statement)
}
