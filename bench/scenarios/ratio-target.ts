import type { Comparison } from '../measure/compare.ts'
import type { Target } from '../report/results.ts'

interface Wanted {
  readonly play: string
  readonly ours: string
  readonly theirs: string
  readonly atLeast: number
}

/** How many times as fast as somebody else this library is to be. */
export function ratioTarget(comparison: Comparison, { play, ours, theirs, atLeast }: Wanted): Target {
  const what = `${play}: ${ours} ÷ ${theirs}`
  const mine = comparison.series(ours, play)
  const other = comparison.series(theirs, play)
  if (mine !== undefined && other !== undefined) return { what, atLeast, unit: '×', seen: mine.timesAsFastAs(other) }
  const missing = mine === undefined ? ours : theirs
  const reason = comparison.leftOut.find((left) => left.what === missing)?.reason ?? 'not measured'
  return { what, atLeast, unit: '×', reason }
}
