import type { ErrorMeaning } from '../dialects/dialect.ts'
import type { TroubleKind } from '../store-trouble.ts'

/** Outside of the caller's transactions, what only matters within them is trouble like any other. */
export function troubleOf(meaning: Exclude<ErrorMeaning, 'row-locked'>): TroubleKind {
  if (meaning === 'stale') return 'transient'
  const isRefusal =
    meaning === 'row-exists' ||
    meaning === 'read-only' ||
    meaning === 'transaction-failed' ||
    meaning.endsWith('-table')
  return isRefusal ? 'failed' : (meaning as TroubleKind)
}
