/** What several rounds came to. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
  readonly rounds: number
}

/** @throws if there is nothing to sum up. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error('a spread needs at least one value')
  const sorted = values.toSorted((one, other) => one - other)
  const middle = (sorted.length - 1) / 2
  const median = (at(sorted, Math.floor(middle)) + at(sorted, Math.ceil(middle))) / 2
  return { median, least: at(sorted, 0), most: at(sorted, sorted.length - 1), rounds: sorted.length }
}

/**
 * How many times as much the first is, round by round: what else the machine did in a round has met both. So this is not the ratio of the
 * medians.
 */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): Spread {
  if (ours.length !== theirs.length) throw new Error(`${ours.length} rounds cannot be compared with ${theirs.length}`)
  return spreadOf(ours.map((one, round) => one / at(theirs, round)))
}

function at(values: readonly number[], index: number): number {
  return values[index] as number
}
