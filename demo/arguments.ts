import { parseArgs } from 'node:util'

/** What the user asked for: text to print and end with, or where to play the demo (`null`: SQLite in a new folder). */
export type Wish = { kind: 'print'; text: string; isMistake: boolean } | { kind: 'play'; url: string | null }

const HELP = `Usage: npm run demo [-- --url <url>]

Four worker processes sell 200 seats from one table: without a lock, with one, and with
one worker killed while it holds the lock. Takes about 12 seconds, at most 30.

  --url <url>  play on a server: postgres://user:password@host:5432/database
               or mysql://user:password@host:3306/database (MySQL and MariaDB).
               Makes three tables named verrou_demo_…, and drops them at the end.
               Default: SQLite, a file in a temporary folder; needs no server.
  --help       show this text
`

const PROTOCOLS = ['postgres:', 'postgresql:', 'mysql:', 'mariadb:']

/** Understands the command line. */
export function readArguments(given: string[]): Wish {
  try {
    const { values } = parseArgs({ args: given, options: { url: { type: 'string' }, help: { type: 'boolean' } } })
    if (values.help) return { kind: 'print', text: HELP, isMistake: false }
    return { kind: 'play', url: values.url === undefined ? null : checkUrl(values.url) }
  } catch (error) {
    // The first sentence says what is wrong; those that follow are advice about `--`.
    const reason = (error as Error).message.split('. ')[0]
    return { kind: 'print', text: `${reason} (npm run demo -- --help explains the options)\n`, isMistake: true }
  }
}

function checkUrl(text: string): string {
  const url = URL.parse(text)
  // The URL itself stays out of the message: it may contain a password.
  if (!url) throw new Error('--url is not a URL')
  if (!PROTOCOLS.includes(url.protocol))
    throw new Error(`--url must begin with postgres:// or mysql://, not with ${url.protocol}`)
  if (url.hostname === '') throw new Error('--url names no host')
  return url.href
}
