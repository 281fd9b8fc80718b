import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { CliError } from '../cli-error.ts'
import { type Connection, connect } from '../connect.ts'
import { EXIT_CODES, exitCodeOfSignal } from '../exit-codes.ts'
import { reasonOf } from '../output/reason-of.ts'
import { ACTS, SEATS, WORKERS } from './acts.ts'
import { BoxOffice, locksTableOf } from './box-office.ts'
import { Crew } from './crew.ts'
import { openDemoScreen } from './demo-screen.ts'
import { type ActResult, playAct } from './play-act.ts'
import { printOutcome, printReport, printVerdict } from './print-report.ts'
import { Progress } from './progress.ts'

/** Less than the 30 s that the demo may take, by what tidying up may take. */
const TIME_LIMIT_MS = 27_000
const TIDY_UP_WITHIN_MS = 2_500

/** Plays the demo, on SQLite in a new folder if no server is given. @returns the exit code. @throws CliError */
export async function playDemo(serverUrl: string | undefined): Promise<number> {
  const stop = new AbortController()
  callOffWhenAsked(stop)
  const folder = serverUrl === undefined ? mkdtempSync(join(tmpdir(), 'verrou-demo-')) : undefined
  const url = serverUrl ?? `sqlite:${join(folder!, 'box-office.db')}`
  try {
    return (await play(url, stop.signal)) ? EXIT_CODES.OK.code : EXIT_CODES.NO.code
  } catch (error) {
    if (isSignal(stop.signal.reason)) return exitCodeFor(stop.signal)
    throw error instanceof CliError ? error : new CliError('UNAVAILABLE', `the demo ended early: ${reasonOf(error)}`)
  } finally {
    if (folder) rmSync(folder, { recursive: true, force: true })
  }
}

/** @returns whether all numbers are right */
async function play(url: string, signal: AbortSignal): Promise<boolean> {
  const tables = `verrou_demo_${randomBytes(4).toString('hex')}`
  await using connection = await connect({ url, table: locksTableOf(tables), isMigrating: true })
  // Readers beside one writer; a second writer waits for its turn (up to 5 s, the default of better-sqlite3).
  if (connection.dialect === 'sqlite') await sql`pragma journal_mode = wal`.execute(connection.db)
  await using office = new BoxOffice(connection.db, tables)
  await office.createTables(connection.dialect)

  const screen = openDemoScreen()
  screen.print(`${WORKERS} worker processes sell ${SEATS} seats from one table, on ${placeOf(connection)}.\n`)
  const posts = Array.from({ length: WORKERS }, (_, index) => ({ url, tables, worker: index + 1 }))
  await using crew = new Crew(posts, signal)
  await crew.untilIdle()

  const progress = new Progress(screen)
  const results: ActResult[] = []
  for (const act of ACTS) {
    const result = await playAct(act, { office, crew, progress })
    printOutcome(result, screen)
    results.push(result)
  }
  printReport(results, screen)
  return printVerdict(results, screen)
}

function placeOf({ dialect, url }: Connection): string {
  return dialect === 'sqlite' ? 'SQLite (a temporary file)' : url
}

/** Ctrl-C, a pipe that nobody reads any more, and the time limit end the demo, but not before it has tidied up. */
function callOffWhenAsked(stop: AbortController): void {
  for (const name of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort(name))
  // Other commands end at once, and have nothing to tidy up.
  process.stdout.removeAllListeners('error')
  process.stdout.on('error', () => stop.abort('SIGPIPE'))
  const tooLong = new Error(`it takes longer than ${TIME_LIMIT_MS / 1000} s here, which is too long`)
  setTimeout(() => stop.abort(tooLong), TIME_LIMIT_MS).unref()
  stop.signal.addEventListener('abort', () => {
    // A server that does not answer must not keep anybody waiting.
    setTimeout(() => {
      process.stderr.write(`verrou: the demo ended early, and could not tidy up: ${reasonOf(stop.signal.reason)}\n`)
      process.exit(exitCodeFor(stop.signal))
    }, TIDY_UP_WITHIN_MS).unref()
  })
}

function exitCodeFor({ reason }: AbortSignal): number {
  return isSignal(reason) ? exitCodeOfSignal(constants.signals[reason]) : EXIT_CODES.UNAVAILABLE.code
}

function isSignal(reason: unknown): reason is NodeJS.Signals {
  return typeof reason === 'string' && reason in constants.signals
}
