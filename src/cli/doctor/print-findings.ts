import { printable } from '../output/printable.ts'
import type { Screen } from '../output/screen.ts'
import { type Finding, LEVELS, type Level } from './finding.ts'

const SIGNS: Readonly<Record<Level, string>> = { ok: '✓', note: 'i', unchecked: '?', warning: '!', problem: '✗' }
const NAME_COLUMNS = 15
/** Lines of a terminal that is very wide are hard to read; a file has lines as long as this. */
const MOST_COLUMNS = 110

/** All findings, one below the other: what was seen; and where something should be done, why and what. */
export function printFindings(findings: readonly Finding[], screen: Screen): void {
  for (const finding of findings) printFinding(finding, screen)
  screen.print()
  screen.print(summaryOf(findings, screen))
}

function printFinding({ check, level, what, why, todo }: Finding, { colors, columns, print }: Screen): void {
  const paint = {
    ok: colors.green,
    note: colors.cyan,
    unchecked: colors.cyan,
    warning: colors.yellow,
    problem: colors.red,
  }[level]
  const width = Math.min(columns ?? MOST_COLUMNS, MOST_COLUMNS) - NAME_COLUMNS - 3
  const indent = ' '.repeat(NAME_COLUMNS + 3)
  const tell = (text: string, first = indent) =>
    print(`${first}${wrapped(printable(text).replace(/\\(["\\])/g, '$1'), width).join(`\n${indent}`)}`)
  tell(what, `${paint(SIGNS[level])} ${colors.bold(check.padEnd(NAME_COLUMNS))} `)
  if (why !== undefined) tell(`why it matters: ${why}`)
  if (todo !== undefined) tell(`to do: ${todo}`)
}

/** At blanks; a word that is longer than a line stays whole, so that it can be copied. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

function summaryOf(findings: readonly Finding[], { colors }: Screen): string {
  const countOf = (level: Level) => findings.filter((finding) => finding.level === level).length
  const counts = LEVELS.toReversed()
    .filter((level) => level !== 'ok' && countOf(level) > 0)
    .map(
      (level) =>
        `${countOf(level)} ${level === 'unchecked' ? 'not checked' : `${level}${countOf(level) === 1 ? '' : 's'}`}`,
    )
  if (counts.length === 0) return colors.green('All is well.')
  const text = `${counts.join(', ')}. The runbook has a section for each name: docs/guide/runbook.md`
  return countOf('problem') > 0 ? colors.red(text) : text
}
