import Table from 'cli-table3'
import { SEATS, WORKERS } from './acts.ts'
import { lostUpdatesIn, nextHoldIn, oversoldIn, problemsIn } from './check-act.ts'
import type { DemoScreen } from './demo-screen.ts'
import type { ActResult } from './play-act.ts'
import { drawTimeline, type Span } from './timeline.ts'

/** How much of act 2 is shown: single sales can be seen. */
const SLICE_MS = 500

const LEGEND = '█ holds the lock   ✗ killed   ░ dead, but its lease still keeps the others out'

/** One act in a line or two, as soon as it is over. */
export function printOutcome(result: ActResult, { colors, print }: DemoScreen): void {
  const problems = problemsIn(result)
  const sign = result.act.lock ? colors.green('✓') : colors.yellow('!')
  for (const problem of problems) print(colors.red(`✗ ${problem}`))
  if (problems.length === 0) print(`${sign} ${outcomeOf(result)}`)
  print()
}

function outcomeOf(result: ActResult): string {
  const { act, count, kill } = result
  const sold = `${count.tickets} tickets sold for ${SEATS} seats: ${oversoldIn(result)} oversold`
  if (!act.lock) return `${sold}, as was to be expected.`
  const next = nextHoldIn(result)
  const fair = `${sold}, no update lost, tokens only grew.`
  if (!kill || !next) return fair
  const waitedS = ((next.fromMs - kill.hold.toMs) / 1000).toFixed(2)
  const lateMs = Math.max(0, Math.round(next.fromMs - kill.leaseEndsAtMs))
  return `${fair}\n  Worker ${next.worker} had the lock ${waitedS} s after the kill, ${lateMs} ms after the lease had ended.`
}

/** The whole story: the numbers, and who held the lock when. */
export function printReport(results: readonly ActResult[], screen: DemoScreen): void {
  const { colors, print } = screen
  print(tableOf(results, screen))
  for (const result of results) {
    if (result.holds.length === 0) continue
    const { number } = result.act
    const title = result.kill ? `All of act ${number}` : `Half a second of act ${number}`
    print(`\n${colors.bold(`${title}: who held the lock when`)}`)
    print(timelineOf(result, screen).join('\n'))
  }
  print(`${colors.dim(LEGEND)}\n`)
}

/** All in one line. @returns whether everything is as it must be */
export function printVerdict(results: readonly ActResult[], { colors, print }: DemoScreen): boolean {
  const problems = results.flatMap(problemsIn)
  const isRight = problems.length === 0
  const verdict = isRight
    ? colors.green(
        `✓ Without the lock ${oversoldIn(results[0]!)} oversold; with it none, even when its holder is killed.`,
      )
    : colors.red(`✗ ${problems.length} things are wrong: see the lines with ✗ above.`)
  print(colors.bold(verdict))
  return isRight
}

function tableOf(results: readonly ActResult[], { colors }: DemoScreen): string {
  const table = new Table({
    head: ['act', 'tickets sold', 'oversold', 'lost updates', 'seconds'].map((title) => colors.bold(title)),
    colAligns: ['left', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  const colored = (wrong: number) => (wrong === 0 ? colors.green(wrong) : colors.red(wrong))
  for (const result of results) {
    const { act, count, openedAtMs, endedAtMs } = result
    const seconds = ((endedAtMs - openedAtMs) / 1000).toFixed(1)
    table.push([
      `${act.number} ${act.title}`,
      count.tickets,
      colored(oversoldIn(result)),
      colored(lostUpdatesIn(result)),
      seconds,
    ])
  }
  return table.toString()
}

function timelineOf(
  { holds, kill, openedAtMs, endedAtMs }: ActResult,
  { colors, columns, paint }: DemoScreen,
): string[] {
  const rows = Array.from({ length: WORKERS }, (_, index) => ({
    label: `worker ${index + 1}`,
    holds: holds.filter(({ worker }) => worker === index + 1),
    orphaned: kill?.hold.worker === index + 1 ? { fromMs: kill.hold.toMs, toMs: kill.leaseEndsAtMs } : undefined,
    paint: (cells: string) =>
      cells.replaceAll(/[▁-█]+/g, (held) => paint(index + 1, held)).replace(/✗░*/, (dead) => colors.red(dead)),
  }))
  const sliceFromMs = holds[Math.floor(holds.length / 2)]!.fromMs
  const window: Span = kill
    ? { fromMs: openedAtMs, toMs: endedAtMs }
    : { fromMs: sliceFromMs, toMs: sliceFromMs + SLICE_MS }
  return drawTimeline(rows, { window, zeroMs: openedAtMs, columns })
}
