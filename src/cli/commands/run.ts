import { constants } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { isLockError } from '../../errors.ts'
import type { LockFactory, RetryOptions } from '../../index.ts'
import { checkKey } from '../../key.ts'
import { CliError } from '../cli-error.ts'
import { connect } from '../connect.ts'
import { type DatabaseOptions, databaseCommand } from '../database-command.ts'
import { durationOption } from '../duration-option.ts'
import { EXIT_CODES, exitCodeOfSignal } from '../exit-codes.ts'
import { holderText } from '../holder.ts'
import { isRestOfPeriod, lastRunOf } from '../last-run.ts'
import { durationText } from '../output/duration-text.ts'
import { printNote } from '../output/print-note.ts'
import { printable } from '../output/printable.ts'
import { EndedBySignal, SignalPassing } from '../run/pass-signals.ts'
import { type RunPlan, type RunResult, runUnderLock } from '../run/run-under-lock.ts'
import type { CommandEnd } from '../run/supervisor-messages.ts'

const DEFAULT_TTL_MS = 30_000
/** The processes of a run take a part of a second to start. */
const SHORTEST_TTL_MS = 1_000
const DEFAULT_GRACE_MS = 10_000

interface RunOptions extends DatabaseOptions {
  readonly ttl: number
  /** Milliseconds; `false`: `--no-wait`. */
  readonly wait?: number | false
  readonly oncePer?: number
  readonly onError: 'retry' | 'skip'
  readonly session?: boolean
  readonly label?: string
  readonly grace: number
  readonly conflictExitCode?: number
}

/** `verrou run`: a program under a lock, as `flock(1)` does it on one machine. */
export function runCommand(): Command {
  return databaseCommand('run')
    .description('runs a command under a lock: never two at once, on however many machines')
    .usage('[options] <key> -- <command> [arguments…]')
    .argument('<key>', 'the name of the lock')
    .argument('<command...>', 'the program and its arguments')
    .addOption(
      new Option('--ttl <duration>', 'after a crash, others get the lock when this time is over; renewed until then')
        .argParser(durationOption(SHORTEST_TTL_MS))
        .default(DEFAULT_TTL_MS, '30s'),
    )
    .option(
      '--wait <duration>',
      'gives up when the lock is not granted in this time (default: waits for ever)',
      durationOption(),
    )
    .option('--no-wait', 'gives up at once, if somebody holds it')
    .option('--once-per <period>', 'runs it once in this period, whoever comes first; does not wait', durationOption(1))
    .addOption(
      new Option(
        '--on-error <what>',
        'with --once-per, when the command fails: `retry` lets the next one run it again, `skip` does not',
      )
        .choices(['retry', 'skip'])
        .default('retry'),
    )
    .option(
      '--session',
      'holds it with the database session, not with a lease: gone as soon as verrou is (no fencing token, no table)',
    )
    .option('--label <text>', 'who holds it, for `verrou ls` (default: host:pid)')
    .addOption(
      new Option('--grace <duration>', 'between SIGTERM and SIGKILL, when the command has to end')
        .argParser(durationOption())
        .default(DEFAULT_GRACE_MS, '10s'),
    )
    .option('--conflict-exit-code <code>', 'the exit code when the lock was not granted (default: 75)', exitCodeOption)
    .note(NOTES)
    .endsWith('NOT_GRANTED', 'LOCK_LOST', 'CANNOT_RUN', 'COMMAND_NOT_FOUND')
    .example('verrou run hello -- echo hi', 'waits for the lock `hello`, and runs a program under it')
    .example('verrou run deploy --no-wait -- npm --version', 'does not run it while another one is at it')
    .example(
      'verrou run nightly-report --once-per 23h -- node --version',
      'from cron on every machine: runs on one of them',
    )
    .example(
      `verrou run import --ttl 1m --wait 10s -- sh -c 'echo "$VERROU_KEY $VERROU_FENCING_TOKEN"'`,
      'tells the command its key and fencing token',
    )
    .hook('preAction', requireDashes)
    .action((key: string, command: string[], options: RunOptions) => run(key, command, options))
}

const NOTES = `The command gets VERROU_KEY and VERROU_FENCING_TOKEN, the standard streams, and every signal that verrou gets. Its exit code is passed on;
128 + n, if a signal has ended it. SIGTERM ends it: SIGTERM for the command, SIGKILL after --grace, and the lock is released. With --json, what
came of it is a line of JSON on standard error.

While it runs, the lease is renewed. When that fails, the command gets SIGTERM before the lease ends (by --grace, at most a third of the TTL), and
SIGKILL when it ends; also while verrou is stopped, or after it was killed. When somebody else took the lock away, or a session has ended, the
command may go on for --grace beside the next holder's. With --session, a verrou that is stopped does not hear that its session has ended, as
when the server restarts: the command goes on until verrou does.

The command has a session of its own, without a controlling terminal: what asks for a password on /dev/tty cannot. Whatever it leaves running in
that session ends with it. On Linux and macOS; on Windows, in WSL.`

function exitCodeOption(text: string): number {
  if (/^\d{1,3}$/.test(text) && Number(text) <= 255) return Number(text)
  throw new InvalidArgumentError('It must be a number from 0 to 255.')
}

/** Without them, an option that is meant for the command could be taken for one of ours. */
function requireDashes(command: Command): void {
  // Commander keeps what it was given, and does not declare it.
  const { rawArgs = [] } = (command.parent ?? command) as Command & { rawArgs?: readonly string[] }
  if (rawArgs.includes('--')) return
  throw new CliError('USAGE', 'put -- before the command: verrou run <key> -- <command>')
}

async function run(key: string, command: readonly string[], options: RunOptions): Promise<void> {
  checkKey(key)
  if (process.platform === 'win32') {
    throw new CliError('UNAVAILABLE', '`verrou run` needs process groups, which Windows does not have: use it in WSL')
  }
  if (options.session && options.oncePer !== undefined) {
    throw new CliError(
      'USAGE',
      '--session and --once-per exclude each other: a session remembers nothing; leave out one',
    )
  }
  await using connection = await connect(options)
  const locks = connection.openLocks(options.label === undefined ? {} : { label: options.label })
  const plan: RunPlan = {
    key,
    command,
    ttlMs: options.ttl,
    graceMs: options.grace,
    retry: retryOf(options),
    periodMs: options.oncePer,
    onError: options.onError,
    isSession: options.session ?? false,
  }
  try {
    const result = await runUnderLock(locks, plan, new SignalPassing())
    process.exitCode = result.isGranted ? tellEnd(key, result, options) : await tellRefusal(key, locks, options)
  } catch (error) {
    if (options.session && isLockError(error, 'E_UNSUPPORTED')) throw noSessionError(error)
    if (!(error instanceof EndedBySignal)) throw error
    process.exitCode = error.exitCode
  }
}

function noSessionError(cause: unknown): CliError {
  const advice = 'leave it out, or name one with --url'
  return new CliError('UNAVAILABLE', `--session needs Postgres, MySQL or MariaDB, by URL: ${advice}`, { cause })
}

function retryOf({ wait, oncePer }: RunOptions): RetryOptions {
  if (wait === false || (wait === undefined && oncePer !== undefined)) return { attempts: 1 }
  return wait === undefined ? {} : { timeout: wait }
}

/** @returns the exit code */
function tellEnd(key: string, result: RunResult & { isGranted: true }, { json }: RunOptions): number {
  const { end, fencingToken, isLost } = result
  const exitCode = isLost ? EXIT_CODES.LOCK_LOST.code : exitCodeOf(end)
  if (json) {
    tellMachines({
      key,
      granted: true,
      fencingToken,
      exitCode,
      commandCode: end.code,
      signal: end.signal,
      lost: isLost,
    })
  } else if (isLost) {
    const how = end.signal === null ? `exited with ${end.code}` : `was ended by ${end.signal}`
    printNote(`the lock ${printable(key)} was lost while the command ran, which ${how}`)
  }
  return exitCode
}

function exitCodeOf({ code, signal }: CommandEnd): number {
  return signal === null ? (code ?? EXIT_CODES.INTERNAL.code) : exitCodeOfSignal(constants.signals[signal])
}

/** @returns the exit code */
async function tellRefusal(key: string, locks: LockFactory, options: RunOptions): Promise<number> {
  const isOnce = options.oncePer !== undefined
  const exitCode = options.conflictExitCode ?? (isOnce ? EXIT_CODES.OK.code : EXIT_CODES.NOT_GRANTED.code)
  if (options.json) tellMachines({ key, granted: false, exitCode })
  else {
    // What happened is known: that nobody can tell more does not change it.
    const why = options.session ? 'is held' : await whyRefused(key, locks).catch(() => 'is held')
    printNote(`nothing was run: ${printable(key)} ${why}`)
  }
  return exitCode
}

/** As it is now: whoever was in the way may be gone. */
async function whyRefused(key: string, locks: LockFactory): Promise<string> {
  const info = await locks.inspect(key)
  if (!info?.isHeld) return 'was held by somebody'
  const [holder, forLong] = [holderText(info.heldBy), durationText(info.heldMs ?? 0)]
  const lastRun = await lastRunOf(locks, key)
  return isRestOfPeriod(info, lastRun)
    ? `was run in this period already, by ${holder}, ${forLong} ago`
    : `is held by ${holder}, for ${forLong}`
}

/** Standard output belongs to the command. */
function tellMachines(outcome: object): void {
  process.stderr.write(`${JSON.stringify(outcome)}\n`)
}
