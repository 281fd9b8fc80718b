import type { Command } from 'commander'
import type { LockInfo } from '../../index.ts'
import { CliError } from '../cli-error.ts'
import { connect } from '../connect.ts'
import { type DatabaseOptions, databaseCommand } from '../database-command.ts'
import { holderText } from '../holder.ts'
import { confirm } from '../output/confirm.ts'
import { durationText } from '../output/duration-text.ts'
import { printJson } from '../output/print-json.ts'
import { printable } from '../output/printable.ts'
import { openScreen } from '../output/screen.ts'
import { notFound } from './inspect.ts'

interface ReleaseOptions extends DatabaseOptions {
  readonly force?: boolean
  readonly yes?: boolean
}

/** `verrou release --force`: takes a lock away from whoever holds it. */
export function releaseCommand(): Command {
  return databaseCommand('release')
    .description('takes a lock away from whoever holds it, and says who that was')
    .argument('<key>', 'the name of the lock')
    .option('--force', 'has to be given: the holder is not asked')
    .option('--yes', 'does not ask you either; for scripts')
    .note(
      'The old holder is fenced out: it cannot extend or release the lock any more, and what it writes with its fencing token, or guards, is refused. It is\ntold at its next renewal; until then it goes on. Session locks have no row: they end with their session.',
    )
    .endsWith('NOT_FOUND', 'NO')
    .example('verrou release hello --force --yes', 'frees the lock `hello`, if somebody holds it')
    .action((key: string, options: ReleaseOptions) => release(key, options))
}

async function release(key: string, options: ReleaseOptions): Promise<void> {
  if (!options.force) {
    throw new CliError('USAGE', 'only its holder can release a lock in peace: add --force to take it away')
  }
  await using connection = await connect(options)
  const locks = connection.openLocks()
  const before = await locks.inspect(key)
  if (!before) throw notFound(key)
  if (before.isHeld && !options.yes) {
    await confirm(`Take ${printable(key)} away from ${describe(before)}?`, options.yes)
    const now = await locks.inspect(key)
    if (now?.token !== before.token) throw changed(key, now)
  }
  if (before.isHeld) await locks.createLock(key).forceRelease()
  tell(before, options)
}

function describe({ heldBy, heldMs, token }: LockInfo): string {
  return `${holderText(heldBy)}, who has held it for ${durationText(heldMs ?? 0)} (token ${token})`
}

/** The answer was about somebody else. */
function changed(key: string, now: LockInfo | null): CliError {
  const state = now?.isHeld ? `${holderText(now.heldBy)} has it now` : 'it is free by now'
  return new CliError('NO', `nothing was done: ${printable(key)} has changed hands meanwhile, ${state}`)
}

function tell(before: LockInfo, { json }: ReleaseOptions): void {
  if (json) printJson({ key: before.key, evicted: before.isHeld ? before : null })
  else if (before.isHeld) openScreen().print(`released ${printable(before.key)}: evicted ${describe(before)}`)
  else openScreen().print(`${printable(before.key)} was free already`)
}
