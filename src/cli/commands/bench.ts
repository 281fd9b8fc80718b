import { constants } from 'node:os'
import type { Command } from 'commander'
import { printBench } from '../bench/print-bench.ts'
import { CliError } from '../cli-error.ts'
import { connect } from '../connect.ts'
import { type DatabaseOptions, databaseCommand } from '../database-command.ts'
import { exitCodeOfSignal } from '../exit-codes.ts'
import { printJson } from '../output/print-json.ts'
import { openScreen } from '../output/screen.ts'

interface BenchOptions extends DatabaseOptions {
  readonly seconds: number
}

const MOST_SECONDS = 600

/** `verrou bench`: how fast locks are on this database, from here. */
export function benchCommand(): Command {
  return databaseCommand('bench')
    .description('measures how fast locks are on this database, from this machine')
    .option('--seconds <n>', 'how long each of the three measurements takes', secondsOf, 5)
    .note(
      'One caller; 64 callers of one process; and the hand-over of a key between two processes. It makes a table of its own, verrou_bench_…, and drops it: the lock table is not touched. It puts load on the database for that time.',
    )
    .example('verrou bench --seconds 1', 'a quick look')
    .action((options: BenchOptions) => bench(options))
}

function secondsOf(given: string): number {
  const seconds = Number(given)
  if (seconds > 0 && seconds <= MOST_SECONDS) return seconds
  throw new CliError('USAGE', `--seconds must be a number above 0, at most ${MOST_SECONDS}; got ${given}`)
}

async function bench({ seconds, json, ...database }: BenchOptions): Promise<void> {
  // Other commands start sooner without it.
  const { runBench } = await import('../bench/run-bench.ts')
  const stop = new AbortController()
  for (const name of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort(name))
  try {
    await using connection = await connect(database)
    const result = await runBench({ connection, database, seconds, signal: stop.signal })
    if (json) printJson(result)
    else printBench(result, openScreen())
  } catch (error) {
    if (!stop.signal.aborted) throw error
    process.exitCode = exitCodeOfSignal(constants.signals[stop.signal.reason as NodeJS.Signals])
  }
}
