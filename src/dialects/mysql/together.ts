import type { ResolvedTable } from '../../options.ts'
import type { Answer, HoldInput, TryInput } from '../../statement.ts'
import type { TogetherDialect, TogetherTryAnswer } from '../dialect.ts'
import { numberOf, numberOrNull } from '../numbers.ts'
import { mysqlTogetherStatements } from './together-statements.ts'
import { toldByInsertId } from './told-by-insert-id.ts'

/** Many tries, and many releases, in one statement each. */
export function mysqlTogether(table: ResolvedTable): TogetherDialect {
  const { acquire, look, release } = mysqlTogetherStatements(table)
  return { acquire, readAcquire, look: { statement: look, read: readLook }, release, readRelease }
}

function readAcquire({ affectedRows, insertId }: Answer, asked: readonly TryInput[]): TogetherTryAnswer[] | null {
  if (affectedRows === 0) return null
  const token = numberOf(toldByInsertId(insertId))
  // A row that an insert updates is counted as two.
  if (affectedRows !== 2 * asked.length) return null
  return asked.map(() => ({ kind: 'granted', token, grantedAtUs: token }))
}

function readLook({ rows }: Answer, asked: readonly TryInput[], { insertId }: Answer): TogetherTryAnswer[] {
  const byNumber = new Map(rows.map((row) => [numberOf(row.n), row]))
  return asked.map((_, n) => {
    const row = byNumber.get(n)
    return row ? readRow(row, insertId) : { kind: 'alone' }
  })
}

function readRow(row: Answer['rows'][number], grantedToken: number): TogetherTryAnswer {
  if (Number(row.is_own) === 1) {
    const token = numberOf(row.token)
    // Else it was granted by an earlier try whose answer was lost, and its time must be counted anew.
    return token === grantedToken
      ? { kind: 'granted', token, grantedAtUs: numberOf(row.acquired_at) }
      : { kind: 'alone' }
  }
  if (Number(row.is_live) === 1) return { kind: 'held', freeInUs: numberOrNull(row.free_in) }
  // Free, and left out, since somebody had it locked. Or its token is ahead of the clock.
  return Number(row.is_behind) === 1 ? { kind: 'locked' } : { kind: 'alone' }
}

function readRelease({ affectedRows }: Answer, asked: readonly HoldInput[]): (boolean | null)[] {
  const isReleased = affectedRows === asked.length || null
  return asked.map(() => isReleased)
}
