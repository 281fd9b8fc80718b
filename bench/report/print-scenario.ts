import Table from 'cli-table3'
import picocolors from 'picocolors'
import type { ResultTable, ScenarioResult, Target } from './results.ts'
import { shownCell, shownSpread, shownTarget, shownVerdict } from './shown.ts'

const STYLE = { head: [], border: [], compact: true }

/** A scenario as tables for the terminal. */
export function printScenario(result: ScenarioResult, colors = picocolors): string {
  const { id, title, seconds, targets, tables, notes, leftOut } = result
  return [
    `\n${colors.bold(`${id}  ${title}`)} ${colors.dim(`(${seconds.toFixed(0)} s)`)}`,
    ...tables.filter(({ rows }) => rows.length > 0).map(printTable),
    ...(targets.length > 0 ? [printTargets(targets, colors)] : []),
    ...leftOut.map(({ what, reason }) => colors.yellow(`not run: ${what}: ${reason}`)),
    ...notes.map((note) => colors.dim(note)),
    '',
  ].join('\n')
}

function printTable({ title, columns, rows }: ResultTable): string {
  const colAligns = columns.map(({ digits }) => (digits === undefined ? 'left' : 'right'))
  const table = new Table({ head: columns.map((column) => column.title), colAligns, style: STYLE })
  for (const row of rows) table.push(columns.map((column, index) => shownCell(row[index], column)))
  return `${title}\n${table}`
}

function printTargets(targets: readonly Target[], colors: typeof picocolors): string {
  const table = new Table({ head: ['', 'target', 'seen: median (least – most)', ''], style: STYLE })
  for (const target of targets) {
    const verdict = shownVerdict(target)
    const color = { met: colors.green, MISSED: colors.red, 'not run': colors.yellow }[verdict]
    const seen = target.seen === undefined ? (target.reason ?? '') : shownSpread(target.seen, target.unit)
    table.push([target.what, shownTarget(target), seen, color(verdict)])
  }
  return table.toString()
}
