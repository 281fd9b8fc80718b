import { type Command, InvalidArgumentError } from 'commander'
import type { LockFactory, LockInfo } from '../../index.ts'
import { connect } from '../connect.ts'
import { type DatabaseOptions, databaseCommand } from '../database-command.ts'
import { holderText } from '../holder.ts'
import { durationText } from '../output/duration-text.ts'
import { printJson } from '../output/print-json.ts'
import { printNote } from '../output/print-note.ts'
import { printable } from '../output/printable.ts'
import { openScreen, type Screen } from '../output/screen.ts'
import { table } from '../output/table.ts'

const PAGE = 1_000
/** More is for machines: a table is drawn when its last line is known. */
const MOST_FOR_PEOPLE = 1_000

interface ListOptions extends DatabaseOptions {
  readonly all?: boolean
  readonly limit?: number
}

/** `verrou ls`: who holds what. */
export function listCommand(): Command {
  return databaseCommand('ls')
    .description('lists the locks that are held: by whom, since when, for how long, and whether somebody waits')
    .argument('[prefix]', 'only keys that begin with it')
    .option('--all', 'also keys that are free, as long as the table remembers them')
    .option('--limit <number>', `how many at most (default: ${MOST_FOR_PEOPLE}; with --json all of them)`, limitOption)
    .note('With --json, one lock a line, as `list()` of the library returns it.')
    .example('verrou ls', 'who holds what')
    .example('verrou ls import: --limit 20', 'the first 20 that begin with import:')
    .example('verrou ls --all --json', 'for machines: one lock a line, however many there are')
    .action((prefix: string | undefined, options: ListOptions) => list(prefix, options))
}

function limitOption(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a number from 1.')
}

async function list(prefix: string | undefined, options: ListOptions): Promise<void> {
  await using connection = await connect(options)
  const { json, limit = json ? Number.POSITIVE_INFINITY : MOST_FOR_PEOPLE } = options
  const pages = pagesOf(connection.openLocks(), prefix, options.all ?? false, limit)
  if (json) {
    for await (const { locks } of pages) for (const lock of locks) printJson(lock)
    return
  }
  const all: LockInfo[] = []
  let hasMore = false
  for await (const page of pages) {
    all.push(...page.locks)
    hasMore = page.hasMore
  }
  if (all.length === 0) printNote('nobody holds a lock here')
  else printTable(all, openScreen())
  if (hasMore) printNote('there are more: see them with a prefix, --limit, or --json')
}

interface Page {
  readonly locks: readonly LockInfo[]
  /** There are more than the limit. */
  readonly hasMore: boolean
}

async function* pagesOf(
  locks: LockFactory,
  prefix: string | undefined,
  isAll: boolean,
  limit: number,
): AsyncGenerator<Page> {
  let left = limit
  for (let after: string | null = ''; after !== null && left > 0; ) {
    const page = await locks.list({
      ...(prefix !== undefined && { prefix }),
      ...(after !== '' && { after }),
      state: isAll ? 'all' : 'held',
      limit: Math.min(PAGE, left),
    })
    left -= page.locks.length
    after = page.nextAfter
    yield { locks: page.locks, hasMore: after !== null && left <= 0 }
  }
}

function printTable(locks: readonly LockInfo[], screen: Screen): void {
  const rows = locks.map((lock) => rowOf(lock, screen))
  const head = ['KEY', 'HOLDER', 'HELD FOR', 'LEFT', 'TOKEN', 'RENEWALS', 'WAITING']
  screen.print(table({ head, rows, right: [2, 3, 4, 5], shrink: { 0: 12, 1: 8 }, optional: [4, 5] }, screen))
}

function rowOf(lock: LockInfo, { colors }: Screen): string[] {
  const key = printable(lock.key)
  if (!lock.isHeld) return [colors.dim(key), colors.dim('free'), '', '', String(lock.token), '', '']
  const left = lock.remainingMs === null ? 'for ever' : durationText(lock.remainingMs)
  const waiting = lock.isWanted ? colors.yellow('yes') : 'no'
  const heldFor = durationText(lock.heldMs ?? 0)
  return [key, holderText(lock.heldBy), heldFor, left, String(lock.token), String(lock.renewals), waiting]
}
