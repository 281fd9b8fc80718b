import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ACTS, SEATS, WORKERS } from './acts.ts'
import { readArguments } from './arguments.ts'
import { BoxOffice } from './box-office.ts'
import { connect } from './connect.ts'
import { Crew } from './crew.ts'
import { type ActResult, playAct } from './play-act.ts'
import { printOutcome, printReport, printVerdict } from './print-report.ts'
import { Progress } from './progress.ts'
import { reasonOf } from './reason-of.ts'
import { openScreen } from './screen.ts'

/** Less than the 30 s that the demo may take, by what tidying up may take. */
const TIME_LIMIT_MS = 27_000
const TIDY_UP_WITHIN_MS = 2_500
/** What shells expect of a process that a signal has ended. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 }

const wish = readArguments(process.argv.slice(2))
if (wish.kind === 'play') {
  process.exitCode = await main(wish.url)
} else {
  const output = wish.isMistake ? process.stderr : process.stdout
  output.write(wish.text)
  process.exitCode = wish.isMistake ? 2 : 0
}

/** Plays the demo, on SQLite in a new folder if no server is given. @returns the exit code */
async function main(serverUrl: string | null): Promise<number> {
  const stop = new AbortController()
  callOffWhenAsked(stop)
  const folder = serverUrl === null ? mkdtempSync(join(tmpdir(), 'verrou-demo-')) : null
  const url = serverUrl ?? pathToFileURL(join(folder!, 'box-office.db')).href
  try {
    return (await play(url, stop.signal)) ? 0 : 1
  } catch (error) {
    if (!isSignal(stop.signal.reason)) process.stderr.write(`The demo ended early: ${reasonOf(error)}\n`)
    return exitCodeFor(stop.signal)
  } finally {
    if (folder) rmSync(folder, { recursive: true, force: true })
  }
}

/** @returns whether all numbers are right */
async function play(url: string, signal: AbortSignal): Promise<boolean> {
  const tables = `verrou_demo_${randomBytes(4).toString('hex')}`
  await using connection = await connect(url)
  await using office = new BoxOffice(connection.db, tables)
  await office.createTables()

  const screen = openScreen()
  screen.print(`${WORKERS} worker processes sell ${SEATS} seats from one table, on ${connection.place}.\n`)
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

/** Ctrl-C, a pipe that nobody reads any more, and the time limit end the demo, but not before it has tidied up. */
function callOffWhenAsked(stop: AbortController): void {
  for (const name of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort(name))
  process.stdout.on('error', () => stop.abort('SIGPIPE'))
  const tooLong = new Error(`it takes longer than ${TIME_LIMIT_MS / 1000} s here, which is too long`)
  setTimeout(() => stop.abort(tooLong), TIME_LIMIT_MS).unref()
  stop.signal.addEventListener('abort', () => {
    // A server that does not answer must not keep anybody waiting.
    setTimeout(() => {
      process.stderr.write(`The demo ended early, and could not tidy up: ${reasonOf(stop.signal.reason)}\n`)
      process.exit(exitCodeFor(stop.signal))
    }, TIDY_UP_WITHIN_MS).unref()
  })
}

function exitCodeFor({ reason }: AbortSignal): number {
  return isSignal(reason) ? EXIT_CODES[reason] : 1
}

function isSignal(reason: unknown): reason is keyof typeof EXIT_CODES {
  return typeof reason === 'string' && reason in EXIT_CODES
}
