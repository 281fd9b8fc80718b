import type { ResolvedTable } from '../../options.ts'
import type { Answer, ParameterName } from '../../statement.ts'
import type { LockDialect, TryAnswer } from '../dialect.ts'
import { meaningOfMysqlError } from './errors.ts'
import { mysqlStatements } from './statements.ts'

/** Columns of bytes: sent as bytes, so that no connection charset can change them. */
const BYTES: ReadonlySet<ParameterName> = new Set(['key', 'owner', 'attempt', 'afterKey'])

/** MySQL 8.4 and newer, MariaDB 10.11 and newer: the same words for both. */
export function mysqlDialect(table: ResolvedTable): LockDialect {
  const { acquire, create, ...statements } = mysqlStatements(table)
  return {
    name: 'mysql',
    trySteps: [
      { statement: acquire, read: readAcquire },
      { statement: create, read: readCreate },
    ],
    statements,
    encode: (name, given) => (BYTES.has(name) ? Buffer.from(given as string) : given),
    readExtend: ({ insertId }) => (insertId === 0 ? null : insertId),
    meaningOf: meaningOfMysqlError,
  }
}

function readAcquire({ affectedRows, insertId }: Answer): TryAnswer {
  if (affectedRows > 0) return { kind: 'granted', token: insertId, grantedAtUs: insertId }
  if (insertId === 0) return { kind: 'open' }
  return { kind: 'held', freeInUs: insertId >= Number.MAX_SAFE_INTEGER ? null : insertId }
}

function readCreate({ insertId }: Answer): TryAnswer {
  return { kind: 'granted', token: insertId, grantedAtUs: insertId }
}
