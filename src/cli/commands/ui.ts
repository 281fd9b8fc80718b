import { type Command, InvalidArgumentError } from 'commander'
import { CliError } from '../cli-error.ts'
import { connect } from '../connect.ts'
import { type DatabaseOptions, databaseCommand } from '../database-command.ts'
import { failureOf } from '../failure.ts'
import { printJson } from '../output/print-json.ts'
import { openScreen } from '../output/screen.ts'
import { isLoopbackName } from '../ui/loopback.ts'
import { startUi, type Ui, type UiOptions } from '../ui/ui-server.ts'
import { untilEnded } from '../watching/until-ended.ts'

interface UiCommandOptions extends DatabaseOptions {
  readonly port: number
  readonly host: string
  readonly readWrite?: boolean
}

/** `verrou ui`: the locks in a browser, on this machine. */
export function uiCommand(): Command {
  return databaseCommand('ui')
    .description('shows in a browser who holds what, who waits, and how long it took in the last minutes')
    .option('--port <port>', 'where it listens; 0: any port that is free', parsePort, 0)
    .option('--host <address>', 'a loopback address: 127.0.0.1, ::1 or localhost', parseHost, '127.0.0.1')
    .option('--read-write', 'lets the page release locks by force, after asking')
    .note(
      'The link works once, in one browser, and only on this machine. To look from another one: ssh -L 8080:127.0.0.1:8080 this-machine, and --port 8080.',
    )
    .example('verrou ui', 'prints a link to the page; Ctrl-C ends it', { isEndless: true })
    .example('verrou ui --read-write', 'the same, with a button that releases a lock', { isEndless: true })
    .action((options: UiCommandOptions) => showUi(options))
}

async function showUi(options: UiCommandOptions): Promise<void> {
  await using connection = await connect(options)
  const locks = connection.openLocks()
  // A table that is not there, or cannot be read, is told here rather than in the browser.
  await locks.list({ limit: 1 })
  const { url, dialect } = connection
  const ui = await start({
    locks,
    database: { url, dialect },
    host: options.host,
    port: options.port,
    isReadWrite: options.readWrite ?? false,
    reasonOf: (error) => failureOf(error).message,
  })
  // Before anybody is told: a script may end it as soon as it has the link.
  const ended = untilEnded()
  tell(ui, options)
  await ended
  await ui.close()
}

async function start(options: UiOptions): Promise<Ui> {
  try {
    return await startUi(options)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const where = `${options.host}:${options.port}`
    if (code === 'EADDRINUSE') throw new CliError('UNAVAILABLE', `${where} is in use; choose another --port, or 0`)
    if (code === 'EACCES')
      throw new CliError('NO_RIGHTS', `this user may not listen on ${where}; choose a --port from 1024`)
    throw new CliError('UNAVAILABLE', `cannot listen on ${where}: ${message}`, { cause: error })
  }
}

function tell({ url }: Ui, { json, readWrite }: UiCommandOptions): void {
  if (json) {
    printJson({ url, isReadWrite: readWrite ?? false })
    return
  }
  const { print, colors } = openScreen()
  print(url)
  print(colors.dim('The link works once. Ctrl-C ends the page.'))
}

function parsePort(given: string): number {
  const port = Number(given)
  if (/^\d{1,5}$/.test(given) && port <= 65_535) return port
  throw new InvalidArgumentError('It is a number from 0 to 65535.')
}

function parseHost(given: string): string {
  if (isLoopbackName(given)) return given.replace(/^\[(.*)\]$/, '$1')
  throw new InvalidArgumentError(
    'The page is for this machine only: 127.0.0.1, ::1 or localhost. To look from another one, use ssh -L.',
  )
}
