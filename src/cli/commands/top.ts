import { type Command, Option } from 'commander'
import { CliError } from '../cli-error.ts'
import { type Connection, connect } from '../connect.ts'
import { type DatabaseOptions, databaseCommand } from '../database-command.ts'
import { failureOf } from '../failure.ts'
import { printJson } from '../output/print-json.ts'
import { openScreen } from '../output/screen.ts'
import { LiveTerminal } from '../top/live-terminal.ts'
import { SORTS, type Sort, sortedLocks } from '../top/sorted-locks.ts'
import { type TopView, topFrame } from '../top/top-frame.ts'
import { LockWatch } from '../watching/lock-watch.ts'
import { untilEnded } from '../watching/until-ended.ts'

interface TopOptions extends DatabaseOptions {
  readonly sort: Sort
  readonly once?: boolean
}

/** The keyboard's keys for {@link SORTS}. */
const SORT_KEYS: Readonly<Record<string, Sort>> = { h: 'held', l: 'left', w: 'waited', k: 'key' }
const QUIT_KEYS = ['q', 'escape', 'ctrl-c', 'ctrl-d']

const LOOK_EVERY_MS = 1_000

/** `verrou top`: who holds what, again and again. */
export function topCommand(): Command {
  return databaseCommand('top')
    .argument('[prefix]', 'of the keys; default: all')
    .description('shows who holds what, who waits, and for how long, redrawn every second')
    .addOption(new Option('--sort <column>', 'what comes first').choices(SORTS).default('held'))
    .option('--once', 'prints one picture, and ends; for pipes, and for `watch`')
    .note(
      'Keys: h, l, w, k sort by held, left, waited, key; q or Ctrl-C ends. Looks once a second: what is shorter may be missed. A wait is known by a mark at the key: that somebody waits, not who. With --json: a line for each look.',
    )
    .example('verrou top --sort waited --once', 'one picture; without --once, it is redrawn until q ends it')
    .example('verrou top invoice: --json', 'a line for each look at the keys that begin with invoice:', {
      isEndless: true,
    })
    .action((prefix: string | undefined, options: TopOptions) => top(prefix, options))
}

async function top(prefix: string | undefined, options: TopOptions): Promise<void> {
  const screen = openScreen()
  if (!options.once && !options.json && !screen.isTerminal) {
    throw new CliError('USAGE', 'top redraws a terminal, and this is none; add --once or --json')
  }
  await using connection = await connect(options)
  const watch = await watchOf(connection, prefix)
  try {
    if (options.once) await watch.lookOnce()
    if (options.once && watch.health.state === 'silent') throw new CliError('UNAVAILABLE', watch.health.reason)
    if (options.once && !options.json) return printOnce(watch, connection, prefix, options.sort)
    if (options.json) return await printLooks(watch, options)
    await showLive(watch, connection, prefix, options.sort)
  } finally {
    watch.stop()
  }
}

/** @throws what the first look met: a table that is not there is told at once, and not in a picture */
async function watchOf(connection: Connection, prefix: string | undefined): Promise<LockWatch> {
  const locks = connection.openLocks()
  await locks.list({ limit: 1 })
  return new LockWatch(locks, { prefix, everyMs: LOOK_EVERY_MS, reasonOf: (error) => failureOf(error).message })
}

function printOnce(watch: LockWatch, { url }: Connection, prefix: string | undefined, sort: Sort): void {
  const screen = openScreen()
  screen.print(topFrame({ watch, url, prefix, sort, screen, rows: undefined, isLive: false }))
}

async function printLooks(watch: LockWatch, { once, sort }: TopOptions): Promise<void> {
  const print = () => {
    const { health, look, waits, times } = watch
    const locks = sortedLocks(watch, sort).map((lock) => ({ ...lock, wantedSinceMs: waits.sinceMs(lock.key) ?? null }))
    printJson({ health, at: new Date(look.nowMs), isCut: look.isCut, ...times.summary(), locks })
  }
  if (once) return print()
  watch.onLook(print)
  await runUntil(watch, untilEnded())
}

async function showLive(watch: LockWatch, { url }: Connection, prefix: string | undefined, first: Sort): Promise<void> {
  const quit = Promise.withResolvers<void>()
  let sort = first
  const draw = () => {
    const view: TopView = { watch, url, prefix, sort, screen: openScreen(), rows: terminal.rows, isLive: true }
    terminal.draw(topFrame(view))
  }
  const onKey = (key: string) => {
    if (QUIT_KEYS.includes(key)) return quit.resolve()
    sort = SORT_KEYS[key] ?? sort
    draw()
  }
  using terminal = new LiveTerminal(onKey, draw)
  watch.onLook(draw)
  draw()
  await runUntil(watch, Promise.race([quit.promise, untilEnded()]))
}

async function runUntil(watch: LockWatch, end: Promise<void>): Promise<void> {
  const running = watch.run()
  await Promise.race([running, end])
}
