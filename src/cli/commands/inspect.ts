import type { Command } from 'commander'
import type { LastRun, LockInfo } from '../../index.ts'
import { CliError } from '../cli-error.ts'
import { connect } from '../connect.ts'
import { type DatabaseOptions, databaseCommand } from '../database-command.ts'
import { holderOf } from '../holder.ts'
import { isRestOfPeriod, lastRunOf } from '../last-run.ts'
import { durationText } from '../output/duration-text.ts'
import { printJson } from '../output/print-json.ts'
import { printable } from '../output/printable.ts'
import { openScreen, type Screen } from '../output/screen.ts'
import { table } from '../output/table.ts'

/** `verrou inspect`: all that is known of one key. */
export function inspectCommand(): Command {
  return databaseCommand('inspect')
    .description('tells all that is known of one key')
    .argument('<key>', 'the name of the lock')
    .endsWith('NOT_FOUND')
    .example('verrou inspect hello', 'who holds it, and how its last run with --once-per ended')
    .action((key: string, options: DatabaseOptions) => inspect(key, options))
}

async function inspect(key: string, options: DatabaseOptions): Promise<void> {
  await using connection = await connect(options)
  const locks = connection.openLocks()
  const info = await locks.inspect(key)
  if (!info) throw notFound(key)
  const lastRun = await lastRunOf(locks, key)
  if (options.json) return printJson({ ...info, ...holderOf(info.heldBy), lastRun: lastRun && runForMachines(lastRun) })
  const screen = openScreen()
  screen.print(
    table(
      { head: ['KEY', printable(key)], rows: [...rowsOf(info, lastRun, screen), ...runRows(lastRun, screen)] },
      screen,
    ),
  )
}

/** The failure of commands that are about one key. */
export function notFound(key: string): CliError {
  return new CliError(
    'NOT_FOUND',
    `there is no key ${printable(key)}: nobody has locked it, or it was free for so long that it was forgotten`,
  )
}

function rowsOf(info: LockInfo, lastRun: LastRun | null, { colors }: Screen): string[][] {
  if (!info.isHeld)
    return [
      ['state', colors.green('free')],
      ['last token', String(info.token)],
    ]
  const { host, pid, label } = holderOf(info.heldBy)
  const until =
    info.expiresAt === null
      ? 'for ever'
      : `${durationText(info.remainingMs ?? 0)} (until ${info.expiresAt.toISOString()})`
  return [
    ['state', isRestOfPeriod(info, lastRun) ? colors.green('was run in this period') : colors.yellow('held')],
    ...(host === null
      ? [['label', printable(label ?? 'none')]]
      : [
          ['host', printable(host)],
          ['pid', String(pid)],
        ]),
    ['since', `${info.acquiredAt?.toISOString()} (${durationText(info.heldMs ?? 0)})`],
    ['left', until],
    ['token', String(info.token)],
    ['renewals', String(info.renewals)],
    ['somebody waits', info.isWanted ? 'yes' : 'no'],
  ]
}

function runRows(run: LastRun | null, { colors }: Screen): string[][] {
  if (!run) return []
  const how = run.hasFailed ? colors.red('failed') : colors.green('went well')
  const tookMs = run.endedAt - run.startedAt
  return [
    ['last run', `${new Date(run.startedAt).toISOString()}, took ${durationText(tookMs)}, ${how}`],
    ['last run by', printable(run.heldBy ?? 'unknown')],
  ]
}

/** As in `inspect()`, moments are texts that everybody reads. */
function runForMachines(run: LastRun): object {
  return { ...run, startedAt: new Date(run.startedAt).toISOString(), endedAt: new Date(run.endedAt).toISOString() }
}
