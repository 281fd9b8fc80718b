import sliceAnsi from 'slice-ansi'
import type { LockInfo } from '../../index.ts'
import { printable } from '../output/printable.ts'
import type { Screen } from '../output/screen.ts'
import { table } from '../output/table.ts'
import type { LockWatch } from '../watching/lock-watch.ts'
import { MOST_BUCKETS, type TimesBucket } from '../watching/recent-times.ts'
import type { Times } from '../watching/times.ts'
import { type Sort, sortedLocks } from './sorted-locks.ts'
import { sparkline } from './sparkline.ts'
import { timeText } from './time-text.ts'

/** What {@link topFrame} draws. */
export interface TopView {
  readonly watch: LockWatch
  readonly url: string
  readonly prefix: string | undefined
  readonly sort: Sort
  /** How many lines there are; `undefined`: as many as it takes. */
  readonly rows: number | undefined
  readonly screen: Screen
  /** Whether keys are heard: they are then told, and what only a second look can tell. */
  readonly isLive: boolean
}

/** The rows beside those of locks: five above, the head, what is left out, and the keys; one more is where the cursor is. */
const OTHER_ROWS = 9

/** One picture of `verrou top`. */
export function topFrame(view: TopView): string {
  const { watch, rows, screen, isLive } = view
  const locks = sortedLocks(watch, view.sort)
  const shown = locks.slice(0, rows === undefined ? locks.length : Math.max(1, rows - OTHER_ROWS))
  const lines = [
    ...[headLine(view), presentLine(watch, locks), ...(isLive ? timesLines(watch, screen) : []), ''],
    ...(locks.length === 0 ? [emptyLine(view)] : [lockTable(shown, view)]),
    ...(shown.length < locks.length ? [screen.colors.dim(`and ${locks.length - shown.length} more`)] : []),
    ...(isLive ? ['', keysLine(view)] : []),
  ]
  return lines
    .flatMap((line) => line.split('\n'))
    .map((line) => (screen.columns === undefined ? line : sliceAnsi(line, 0, screen.columns)))
    .join('\n')
}

function headLine({ watch, url, prefix, screen }: TopView): string {
  const { bold, dim, green, red } = screen.colors
  const { health, look } = watch
  const which = prefix ? `  ${printable(prefix)}…` : ''
  const states = {
    starting: () => dim('connecting …'),
    answering: () => green(`● ${new Date(look.nowMs).toLocaleTimeString()}`),
    silent: () => red('✗ no answer'),
  }
  const name = `${bold('verrou top')}  ${url}${which}  ${states[health.state]()}`
  if (health.state !== 'silent') return name
  const since = new Date(health.sinceMs).toLocaleTimeString()
  return `${name}\n${red(`The database does not answer since ${since}: ${health.reason}. Below is what was known then. Trying again.`)}`
}

function presentLine({ look, waits }: LockWatch, locks: readonly LockInfo[]): string {
  const wanted = locks.filter(({ isWanted }) => isWanted).length
  const oldestMs = locks.length === 0 ? null : Math.max(...locks.map(({ heldMs }) => heldMs ?? 0))
  const parts = [`${locks.length} held${look.isCut ? ' (and more)' : ''}`, `${wanted} waited for`]
  const longestMs = waits.longestMs(look.nowMs)
  const ages = [
    ...(oldestMs === null ? [] : [`oldest hold ${timeText(oldestMs)}`]),
    ...(longestMs === null ? [] : [`longest wait ${timeText(longestMs)}`]),
  ]
  return [...parts, ...ages].join('  ·  ')
}

function timesLines({ times }: LockWatch, screen: Screen): string[] {
  const { holds, waits, ranOut } = times.summary()
  const buckets = times.buckets()
  const expired = ranOut === 0 ? '' : screen.colors.yellow(`  ${ranOut} ran out`)
  return [
    `holds ended  ${timesText(holds)}${expired}  ${lineOf(buckets, ({ holds }) => holds.medianMs, screen)}`,
    `waits ended  ${timesText(waits)}  ${lineOf(buckets, ({ waits }) => waits.medianMs, screen)}`,
  ]
}

function timesText({ count, medianMs, p95Ms, longestMs }: Times): string {
  if (count === 0) return 'none yet'
  return `${count}: median ${timeText(medianMs)}, 95 of 100 ${timeText(p95Ms)}, longest ${timeText(longestMs)}`
}

/** The medians of the last minutes, in what is left of a line. */
function lineOf(buckets: readonly TimesBucket[], of: (bucket: TimesBucket) => number | null, screen: Screen): string {
  const columns = Math.min(MOST_BUCKETS, Math.max(0, (screen.columns ?? 0) - 90))
  const values = columns === 0 ? [] : buckets.slice(-columns).map(of)
  return screen.colors.cyan(sparkline(values))
}

/** A column of the table: what stands in it, and from which width of the terminal on it is there. */
interface Column {
  readonly title: string
  readonly fromColumns: number
  readonly isSortedBy?: Sort
  cell(lock: LockInfo): string
}

function columnsOf({ watch, screen, isLive }: TopView): Column[] {
  const waitedText = ({ key, isWanted }: LockInfo) => {
    const sinceMs = watch.waits.sinceMs(key)
    if (sinceMs === undefined || !isLive) return isWanted ? 'yes' : ''
    return timeText(watch.look.nowMs - sinceMs)
  }
  return [
    { title: 'KEY', fromColumns: 0, isSortedBy: 'key', cell: ({ key }) => printable(key) },
    { title: 'HOLDER', fromColumns: 0, cell: ({ heldBy }) => printable(heldBy ?? '') },
    { title: 'HELD', fromColumns: 0, isSortedBy: 'held', cell: ({ heldMs }) => timeText(heldMs) },
    { title: 'LEFT', fromColumns: 56, isSortedBy: 'left', cell: ({ remainingMs }) => leftText(remainingMs) },
    { title: 'WAITED', fromColumns: 46, isSortedBy: 'waited', cell: (lock) => screen.colors.yellow(waitedText(lock)) },
    { title: 'RENEWALS', fromColumns: 80, cell: ({ renewals }) => String(renewals) },
    { title: 'TOKEN', fromColumns: 90, cell: ({ token }) => String(token) },
  ]
}

function lockTable(locks: readonly LockInfo[], view: TopView): string {
  const { screen, sort, isLive } = view
  const shown = columnsOf(view).filter(({ fromColumns }) => (screen.columns ?? Infinity) >= fromColumns)
  const head = shown.map(({ title, isSortedBy }) => (isSortedBy === sort && isLive ? `${title}▾` : title))
  const rows = locks.map((lock) => shown.map(({ cell }) => cell(lock)))
  const right = shown.map((_column, index) => index).slice(2)
  return table({ head, rows, right, shrink: { 0: 12, 1: 10 } }, screen)
}

function leftText(remainingMs: number | null): string {
  return remainingMs === null ? 'never ends' : timeText(remainingMs)
}

function emptyLine({ watch, prefix }: TopView): string {
  if (watch.health.state === 'starting') return ''
  return prefix ? 'No key that begins so is held.' : 'Nobody holds anything.'
}

function keysLine({ screen, sort }: TopView): string {
  const { bold, dim } = screen.colors
  const names = { held: 'h held', left: 'l left', waited: 'w waited', key: 'k key' }
  const keys = Object.entries(names).map(([name, text]) => (name === sort ? bold(text) : text))
  return dim(`sort: ${keys.join('  ')}    q quits    seen once a second: what is shorter may be missed`)
}
