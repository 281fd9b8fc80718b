/** How many rows are counted at most: a table of many millions must not keep the doctor, or the server, busy. */
export const MOST_ROWS = 1_000_000

/** What the rows of the lock table come to. Moments in microseconds since the epoch. */
export interface Survey {
  /** At most {@link MOST_ROWS}. */
  readonly rows: number
  /** Free for longer than they are kept. */
  readonly old: number
  /** Held for ever. */
  readonly endless: number
  /** Ended by themselves: their holders never released them. */
  readonly expired: number
  /** Above the database's clock. */
  readonly tokensAhead: number
  readonly largestToken: number
  readonly nowUs: number
}

/** Of no table. */
export const NO_ROWS: Survey = Object.freeze({
  ...{ rows: 0, old: 0, endless: 0, expired: 0 },
  ...{ tokensAhead: 0, largestToken: 0, nowUs: 0 },
})

/** How a number of rows reads: beyond the bound, nobody has counted. */
export function countText(count: number, rows: number): string {
  const text = count.toLocaleString('en')
  return rows >= MOST_ROWS ? `at least ${text}` : text
}
