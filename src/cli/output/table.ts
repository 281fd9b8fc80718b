import Table from 'cli-table3'
import widthOf from 'string-width'
import type { Screen } from './screen.ts'

/** A table of {@link table}. */
export interface TableContent {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** Columns of numbers, by their index: they end at the same place. */
  readonly right?: readonly number[]
  /** Columns that may be cut where the terminal is narrow, by their index, the first one first; they keep so many characters. */
  readonly shrink?: Readonly<Record<number, number>>
}

const GAP = 2
const NO_LINES = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'],
  ].map((name) => [name, '']),
)

/**
 * Columns without lines around them, so that the text can be selected. As wide as they need; on a terminal that is narrower, some
 * are cut, and end in `…`. Cells must be {@link printable} already.
 */
export function table({ head, rows, right = [], shrink = {} }: TableContent, { columns, colors }: Screen): string {
  const widths = head.map((title, column) => Math.max(...[title, ...rows.map((row) => row[column] ?? '')].map(widthOf)))
  const isCut = columns !== undefined && shrinkTo(columns, widths, shrink)
  const drawn = new Table({
    head: head.map((title) => colors.dim(title)),
    chars: { ...NO_LINES, middle: ' '.repeat(GAP) },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: head.map((_title, column) => (right.includes(column) ? 'right' : 'left')),
    ...(isCut && { colWidths: widths, truncate: '…' }),
  })
  drawn.push(...rows.map((row) => [...row]))
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/** @returns whether anything is narrower than it would like */
function shrinkTo(columns: number, widths: number[], shrink: Readonly<Record<number, number>>): boolean {
  let tooMany = widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1)) - columns
  const isTooWide = tooMany > 0
  for (const [column, least] of Object.entries(shrink)) {
    const less = Math.max(0, Math.min(tooMany, widths[Number(column)]! - least))
    widths[Number(column)]! -= less
    tooMany -= less
  }
  return isTooWide
}
