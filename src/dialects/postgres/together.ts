import type { ResolvedTable } from '../../options.ts'
import type { Answer, HoldInput, TryInput } from '../../statement.ts'
import type { TogetherDialect, TogetherTryAnswer } from '../dialect.ts'
import { numberOf } from '../numbers.ts'
import { readAcquireRow } from './read-acquire-row.ts'
import { postgresTogetherStatements } from './together-statements.ts'

/** Many tries, and many releases, in one statement each. */
export function postgresTogether(table: ResolvedTable): TogetherDialect {
  const { acquire, release } = postgresTogetherStatements(table)
  return { acquire, readAcquire, release, readRelease }
}

function readAcquire({ rows }: Answer, asked: readonly TryInput[]): TogetherTryAnswer[] {
  // What has no row: somebody else is creating the key right now.
  const answers: TogetherTryAnswer[] = asked.map(() => ({ kind: 'locked' }))
  for (const row of rows) {
    answers[placeOf(row, asked)] = row.is_new ? { kind: 'later' } : readAcquireRow(row)
  }
  return answers
}

function readRelease({ rows }: Answer, asked: readonly HoldInput[]): (boolean | null)[] {
  // What has no row: the key does not name the hold, or somebody has it locked.
  const answers: (boolean | null)[] = asked.map(() => null)
  for (const row of rows) answers[placeOf(row, asked)] = true
  return answers
}

/** Answers come in any order. */
function placeOf(row: Answer['rows'][number], asked: readonly unknown[]): number {
  const n = numberOf(row.n)
  if (n >= asked.length) throw new TypeError(`an answer to call ${n} of ${asked.length}`)
  return n
}
