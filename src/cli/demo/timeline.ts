/** Who held the lock when. */
export interface TimelineRow {
  readonly label: string
  readonly holds: readonly Span[]
  /** From the death of the holder to the end of its lease. */
  readonly orphaned?: Span | undefined
  readonly paint?: (text: string) => string
}

/** A piece of time. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** What a timeline shows, and how wide it may be. */
export interface TimelineFrame {
  readonly window: Span
  /** When the axis says 0 s. */
  readonly zeroMs: number
  readonly columns: number
}

/** The fuller a cell, the more of its time the lock was held. */
const LEVELS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
/** The steps of the axis in seconds: the finest one that leaves room for its labels is taken. */
const STEPS_S = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]
const LABEL_COLUMNS = 8

/** Draws a line for each row, and two for an axis in seconds. */
export function drawTimeline(rows: readonly TimelineRow[], frame: TimelineFrame): string[] {
  const margin = Math.max(...rows.map(({ label }) => label.length)) + 1
  const cells = cellsOf(frame.window, Math.max(10, frame.columns - margin - 1))
  const lines = rows.map((row) => {
    const drawn = cells.map((cell) => drawCell(cell, row)).join('')
    return `${row.label.padEnd(margin)}${row.paint ? row.paint(drawn) : drawn}`
  })
  return [...lines, ...drawAxis(cells, frame.zeroMs).map((line) => `${' '.repeat(margin)}${line}`)]
}

function cellsOf({ fromMs, toMs }: Span, count: number): Span[] {
  const cellMs = (toMs - fromMs) / count
  return Array.from({ length: count }, (_, index) => ({
    fromMs: fromMs + index * cellMs,
    toMs: fromMs + (index + 1) * cellMs,
  }))
}

function drawCell(cell: Span, { holds, orphaned }: TimelineRow): string {
  if (orphaned && contains(cell, orphaned.fromMs)) return '✗'
  if (orphaned && overlapMs(cell, orphaned) > 0) return '░'
  const heldMs = holds.reduce((sum, hold) => sum + overlapMs(cell, hold), 0)
  if (heldMs === 0) return ' '
  const share = heldMs / (cell.toMs - cell.fromMs)
  return LEVELS[Math.min(Math.ceil(share * LEVELS.length), LEVELS.length) - 1]!
}

function contains({ fromMs, toMs }: Span, momentMs: number): boolean {
  return fromMs <= momentMs && momentMs < toMs
}

function overlapMs(a: Span, b: Span): number {
  return Math.max(0, Math.min(a.toMs, b.toMs) - Math.max(a.fromMs, b.fromMs))
}

function drawAxis(cells: readonly Span[], zeroMs: number): [line: string, labels: string] {
  const cellS = (cells[0]!.toMs - cells[0]!.fromMs) / 1000
  const stepS = STEPS_S.find((step) => step / cellS >= LABEL_COLUMNS) ?? STEPS_S.at(-1)!
  const digits = Math.max(0, Math.ceil(-Math.log10(stepS)))
  // Rounded, so that a tick on the edge of two cells belongs to exactly one of them.
  const ticksBefore = (ms: number) => Math.ceil(Number(((ms - zeroMs) / 1000 / stepS).toFixed(6)))
  let line = ''
  let labels = ''
  for (const { fromMs, toMs } of cells) {
    const tick = ticksBefore(fromMs)
    const hasTick = tick < ticksBefore(toMs)
    const label = `${(tick * stepS).toFixed(digits)} s`
    if (hasTick && line.length + label.length <= cells.length) labels = labels.padEnd(line.length) + label
    line += hasTick ? '┴' : '─'
  }
  return [line, labels]
}
