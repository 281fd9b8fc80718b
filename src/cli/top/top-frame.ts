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
  return lines.join('\n')
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

function lockTable(locks: readonly LockInfo[], { watch, screen, sort, isLive }: TopView): string {
  const { colors } = screen
  const { nowMs } = watch.look
  const rows = locks.map((lock) => {
    const sinceMs = watch.waits.sinceMs(lock.key)
    const waited = sinceMs === undefined || !isLive ? (lock.isWanted ? 'yes' : '') : timeText(nowMs - sinceMs)
    return [
      printable(lock.key),
      printable(lock.heldBy ?? ''),
      timeText(lock.heldMs),
      lock.remainingMs === null ? 'never ends' : timeText(lock.remainingMs),
      waited === '' ? '' : colors.yellow(waited),
      String(lock.renewals),
      String(lock.token),
    ]
  })
  const titles = ['KEY', 'HOLDER', 'HELD', 'LEFT', 'WAITED', 'RENEWALS', 'TOKEN']
  const sorted: Record<Sort, number> = { key: 0, held: 2, left: 3, waited: 4 }
  const head = titles.map((title, column) => (column === sorted[sort] && isLive ? `${title}▾` : title))
  return table({ head, rows, right: [2, 3, 4, 5, 6], shrink: { 0: 12, 1: 10, 6: 8 } }, screen)
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
