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
  /** Columns that are left out where the terminal is narrower still, by their index, the first one first. */
  readonly optional?: readonly number[]
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
 * are left out, and some are cut, and end in `…`. Cells must be {@link printable} already.
 */
export function table(content: TableContent, screen: Screen): string {
  const { head, rows, right = [], shrink = {} } = fitting(content, screen.columns)
  const widths = widthsOf(head, rows)
  const isCut = screen.columns !== undefined && shrinkTo(screen.columns, widths, shrink)
  const drawn = new Table({
    head: head.map((title) => screen.colors.dim(title)),
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

/** Leaves out what it can do without, as long as the rest is too wide even when it is cut. */
function fitting(content: TableContent, columns = Number.POSITIVE_INFINITY): TableContent {
  const { head, rows, right = [], shrink = {}, optional: [dropped, ...optional] = [] } = content
  const least = widthsOf(head, rows).map((width, column) => Math.min(width, shrink[column] ?? width))
  if (dropped === undefined || totalOf(least) <= columns) return content
  const isKept = (_cell: unknown, column: number) => column !== dropped
  const place = (column: number) => (column > dropped ? column - 1 : column)
  return fitting(
    {
      head: head.filter(isKept),
      rows: rows.map((row) => row.filter(isKept)),
      right: right.filter((column) => column !== dropped).map(place),
      shrink: Object.fromEntries(Object.entries(shrink).map(([column, width]) => [place(Number(column)), width])),
      optional: optional.map(place),
    },
    columns,
  )
}

function widthsOf(head: readonly string[], rows: readonly (readonly string[])[]): number[] {
  return head.map((title, column) => {
    return rows.reduce((widest, row) => Math.max(widest, widthOf(row[column] ?? '')), widthOf(title))
  })
}

function totalOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1))
}

/** @returns whether anything is narrower than it would like */
function shrinkTo(columns: number, widths: number[], shrink: Readonly<Record<number, number>>): boolean {
  let tooMany = totalOf(widths) - columns
  const isTooWide = tooMany > 0
  for (const [column, least] of Object.entries(shrink)) {
    const less = Math.max(0, Math.min(tooMany, widths[Number(column)]! - least))
    widths[Number(column)]! -= less
    tooMany -= less
  }
  return isTooWide
}
