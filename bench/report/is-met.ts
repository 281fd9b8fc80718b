import type { Target } from './results.ts'

/** By the median of the rounds; `undefined`: not measured. */
export function isMet({ seen, atLeast, atMost }: Target): boolean | undefined {
  if (seen === undefined) return undefined
  return seen.median >= (atLeast ?? Number.NEGATIVE_INFINITY) && seen.median <= (atMost ?? Number.POSITIVE_INFINITY)
}
