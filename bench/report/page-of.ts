import { isMet } from './is-met.ts'
import type { Results, ResultTable, ScenarioResult, ServerFacts, Target } from './results.ts'
import { shownCell, shownSpread, shownTarget, shownVerdict } from './shown.ts'

/** The page, as Markdown. `chartFolder`: seen from the page. */
export function pageOf(results: Results, chartFolder: string): string {
  const { scenarios } = results
  return [
    '# Benchmarks',
    '<!-- Written by the benchmark (CONTRIBUTING.md tells how): do not edit. -->',
    `This library and others, side by side, in one run. ${aboutRun(results)}`,
    '**How to read it.** Everybody has turns, round by round, in an order that changes; a ratio is worked out for each round, and told as the median of the rounds, with the least and the most of them in brackets. So a machine that gets slower meets all. A *pair* is one acquire and one release. Compare ratios with your own; the absolute numbers are those of this machine, which runs callers and servers together.',
    '## Promised, and seen',
    summaryOf(scenarios),
    ...scenarios.map((scenario) => sectionOf(scenario, chartFolder)),
    '## Where it was measured',
    machineOf(results),
    ...results.servers.map(serverOf),
  ]
    .join('\n\n')
    .concat('\n')
}

function aboutRun({ startedAt, seconds, commit, settings }: Results): string {
  const length = `${settings.rounds} ${settings.rounds === 1 ? 'round' : 'rounds'} of ${settings.seconds} s for each line`
  const quick = settings.isQuick
    ? ' **A quick run: with fewer rows, waiters and cycles; its numbers show that it works, and no more.**'
    : ''
  return `Measured on ${startedAt.slice(0, 10)} at commit ${commit}, ${length}, ${Math.round(seconds / 60)} minutes in all.${quick}`
}

function summaryOf(scenarios: readonly ScenarioResult[]): string {
  const rows = scenarios.flatMap(({ id, title, targets, leftOut }) => {
    if (targets.length === 0) return [[id, title, '', leftOut[0]?.reason ?? 'no promise', '**not run**']]
    return targets.map((target) => [id, target.what, shownTarget(target), seenOf(target), verdictOf(target)])
  })
  return markdownTable(['', '', 'target', 'seen', ''], rows)
}

function seenOf(target: Target): string {
  return target.seen === undefined ? (target.reason ?? '') : shownSpread(target.seen, target.unit)
}

function verdictOf(target: Target): string {
  return isMet(target) === true ? 'met' : `**${shownVerdict(target)}**`
}

function sectionOf(scenario: ScenarioResult, chartFolder: string): string {
  const { id, title, measures, means, targets, tables, charts, notes, leftOut } = scenario
  return [
    `## ${id}. ${title}`,
    measures,
    `**What it means.** ${means}`,
    ...(targets.length > 0
      ? [
          markdownTable(
            ['', 'target', 'seen', ''],
            targets.map((target) => [target.what, shownTarget(target), seenOf(target), verdictOf(target)]),
          ),
        ]
      : []),
    ...charts
      .filter(({ series }) => series.some(({ points }) => points.length > 0))
      .map((chart) => `![${chart.title}](${chartFolder}/${chart.name}.svg)`),
    ...tables.filter(({ rows }) => rows.length > 0).map(tableOf),
    ...notes.map(escaped),
    ...leftOut.map(({ what, reason }) => `**Not run:** ${escaped(what)}: ${escaped(reason)}`),
  ].join('\n\n')
}

function tableOf({ title, columns, rows }: ResultTable): string {
  const lines = rows.map((row) => columns.map((column, index) => shownCell(row[index], column)))
  const alignments = columns.map(({ digits }) => (digits === undefined ? '---' : '--:'))
  return `*${title}*\n\n${markdownTable(
    columns.map((column) => column.title),
    lines,
    alignments,
  )}`
}

function machineOf({ machine, packages }: Results): string {
  const { processor, cores, memoryGb, system, node, loadBefore, loadAfter, flushMs } = machine
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`)
  return [
    `${cores} × ${processor}, ${memoryGb} GB, ${system}, Node.js ${node}. The servers ran on the same machine.`,
    `Load of the machine in the minute before: ${loadBefore}, in the last minute: ${loadAfter} (with nothing else to do, the former is near 0). To write 8 kB and be sure that they are on the disk takes it ${flushMs} ms.`,
    `${versions.join(', ')}.`,
  ].join('\n\n')
}

function serverOf({ name, version, source, isDurable, settings }: ServerFacts): string {
  const durable = isDurable ? 'keeps every commit that it has answered' : '**may lose commits that it has answered**'
  const list = Object.entries(settings).map(([setting, value]) => `\`${setting} = ${value}\``)
  return `**${name} ${version}** (${source}): ${durable}. ${list.join(', ')}`
}

function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  alignments = head.map(() => '---'),
): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => escaped(cell).replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), `|${alignments.join('|')}|`, ...rows.map(line)].join('\n')
}

/** Reasons are what servers and programs said: no Markdown, no HTML. */
function escaped(text: string): string {
  return text.replaceAll('<', '&lt;').replaceAll('\n', ' ')
}
