import type { Answer, HoldInput, Statement, TryInput } from '../statement.ts'
import type { TryAnswer } from './dialect.ts'

/**
 * What one of many tries in a statement came to. Nothing was done for it: `alone`: only a statement of its own can tell why; `later`: there were too
 * many of its kind for one statement.
 */
export type TogetherTryAnswer = TryAnswer | { readonly kind: 'alone' } | { readonly kind: 'later' }

/**
 * Many calls in one statement, each key in it once. Never waits for a row: a row that somebody has locked concerns only the call that wants it.
 * All is done, or nothing.
 */
export interface TogetherDialect {
  /** Takes the value `tries`. */
  readonly acquire: Statement
  /** One answer for each of what was asked; `null`: not all were granted, and only {@link look} tells which. */
  readAcquire(answer: Answer, asked: readonly TryInput[]): readonly TogetherTryAnswer[] | null
  /** Sent after `acquire` where that does not tell. Takes the value `tries`, too. */
  readonly look?: {
    readonly statement: Statement
    read(answer: Answer, asked: readonly TryInput[]): readonly TogetherTryAnswer[]
  }
  /** Takes the value `holds`. */
  readonly release: Statement
  /** Whether each was released; `null`: nobody knows, ask for it alone. */
  readRelease(answer: Answer, asked: readonly HoldInput[]): readonly (boolean | null)[]
}
