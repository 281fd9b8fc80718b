import { SingleBar } from 'cli-progress'
import { type Command, Option } from 'commander'
import { sql } from 'kysely'
import { tableId } from '../../dialects/table-id.ts'
import type { PruneProgress } from '../../index.ts'
import { resolveTable } from '../../options.ts'
import { type Connection, connect } from '../connect.ts'
import { type DatabaseOptions, databaseCommand } from '../database-command.ts'
import { durationOption } from '../duration-option.ts'
import { durationText } from '../output/duration-text.ts'
import { printJson } from '../output/print-json.ts'
import { openScreen } from '../output/screen.ts'

const DEFAULT_RETENTION_MS = 3_600_000
const LEAST_RETENTION_MS = 60_000

interface PruneOptions extends DatabaseOptions {
  readonly retention: number
}

/** `verrou prune`: removes the rows of keys that nobody uses any more. */
export function pruneCommand(): Command {
  return databaseCommand('prune')
    .description('removes the rows of keys that have been free for long; a store in use does so in passing')
    .addOption(
      new Option('--retention <duration>', 'what was free for less than this stays')
        .argParser(durationOption(LEAST_RETENTION_MS))
        .default(DEFAULT_RETENTION_MS, '1h'),
    )
    .note('Held keys stay. Nobody who takes or releases a lock waits for it, and tokens go on growing.')
    .example('verrou prune', 'removes what has been free for an hour')
    .example('verrou prune --retention 1d', 'removes what has been free for a day')
    .action((options: PruneOptions) => prune(options))
}

async function prune(options: PruneOptions): Promise<void> {
  await using connection = await connect(options)
  const locks = connection.openLocks()
  const { removed } = await showingProgress(connection, (onProgress) => {
    return locks.prune({ retention: options.retention, onProgress })
  })
  if (options.json) return printJson({ removed })
  const rows = removed === 1 ? '1 row' : `${removed.toLocaleString('en')} rows`
  openScreen().print(`removed ${rows} that had been free for ${durationText(options.retention)} from ${connection.url}`)
}

/** With a bar on standard error, where that is a terminal: the rows of the table have to be counted for it. */
async function showingProgress<Result>(
  { db, tableOptions }: Connection,
  work: (onProgress: (progress: PruneProgress) => void) => Promise<Result>,
): Promise<Result> {
  if (!process.stderr.isTTY) return work(() => {})
  const rowsInTable = sql<{
    count: number | string
  }>`select count(*) as count from ${tableId(resolveTable(tableOptions))}`
  const { rows } = await rowsInTable.execute(db)
  const bar = new SingleBar({
    format: '{bar} {value}/{total} rows, {removed} removed',
    clearOnComplete: true,
    hideCursor: true,
    stream: process.stderr,
  })
  bar.start(Number(rows[0]?.count ?? 0), 0, { removed: 0 })
  try {
    return await work(({ looked, removed }) => bar.update(looked, { removed }))
  } finally {
    bar.stop()
  }
}
