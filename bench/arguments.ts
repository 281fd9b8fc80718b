import { parseArgs } from 'node:util'
import type { Settings } from './bench.ts'

/** What the user asked for. */
export interface Wishes {
  /** Ids of scenarios; `undefined`: all. */
  readonly only: readonly string[] | undefined
  readonly settings: Settings
  /** Where all numbers go. */
  readonly json: string | undefined
  /** Where the page goes; its charts go into a folder of that name. */
  readonly report: string | undefined
  /** Nothing is measured: the page is made from this file. */
  readonly from: string | undefined
}

const NORMAL: Settings = { seconds: 1.5, rounds: 5, isQuick: false }
const QUICK: Settings = { seconds: 0.5, rounds: 2, isQuick: true }
const PAGE = 'docs/benchmarks.md'

/** What `--help` prints. */
export function helpText(scenarios: readonly { readonly id: string; readonly title: string }[]): string {
  return `Usage: npm run bench -- [options]

This library and its peers, side by side, round by round: how fast they are, what they cost the server and the client.
Starts the servers that it needs, with settings that keep every commit; what the tests start does not count. A server of
yours is used instead when VERROU_BENCH_POSTGRES_URL, VERROU_BENCH_MYSQL_URL, VERROU_BENCH_MARIADB_URL or
VERROU_BENCH_REDIS_URL names it; the user must be allowed to create databases. Everything takes about 25 minutes.

  --only <ids>      these scenarios, separated by commas
  --seconds <n>     measured time of each turn, fractions are fine; default ${NORMAL.seconds}, with --quick ${QUICK.seconds}
  --rounds <n>      how often everybody has a turn; default ${NORMAL.rounds}, with --quick ${QUICK.rounds}
  --quick           also fewer rows, waiters and cycles: shows that it works, not how fast it is
  --json <file>     writes all numbers there
  --report <file>   writes the page there, its charts into a folder beside it
  --write           the same as --report ${PAGE}
  --from <file>     measures nothing; makes the page from a file that --json wrote
  --help            shows this text

${scenarios.map(({ id, title }) => `  ${id.padEnd(4)} ${title}`).join('\n')}
`
}

/** Understands the command line; `undefined`: help was asked for. Throws an error whose message says what is wrong. */
export function readArguments(given: string[], ids: readonly string[]): Wishes | undefined {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const { values } = parseArgs({
    args: given,
    options: {
      ...{ help: flag, quick: flag, write: flag, only: text, seconds: text, rounds: text },
      ...{ json: text, report: text, from: text },
    },
  })
  if (values.help) return undefined
  if (values.write && values.report !== undefined) throw new Error('--write and --report both say where the page goes')
  const report = values.write ? PAGE : values.report
  if (values.from !== undefined && report === undefined) throw new Error('--from needs --report <file> or --write')
  const { seconds, rounds, isQuick } = values.quick ? QUICK : NORMAL
  return {
    only: values.only === undefined ? undefined : idsIn(values.only, ids),
    settings: {
      seconds: values.seconds === undefined ? seconds : numberOf('--seconds', values.seconds, 0.1, 600),
      rounds: values.rounds === undefined ? rounds : wholeNumberOf('--rounds', values.rounds, 1, 1_000),
      isQuick,
    },
    json: fileNamed('--json', values.json),
    report: fileNamed('--report', report),
    from: fileNamed('--from', values.from),
  }
}

function idsIn(text: string, ids: readonly string[]): string[] {
  const wanted = text.split(',').map((id) => id.trim().toUpperCase())
  const unknown = wanted.find((id) => !ids.includes(id))
  if (unknown !== undefined) throw new Error(`--only: "${unknown}" is none of ${ids.join(', ')}`)
  return wanted
}

function fileNamed(option: string, name: string | undefined): string | undefined {
  if (name?.trim() === '') throw new Error(`${option} must name a file`)
  return name
}

function wholeNumberOf(option: string, text: string, least: number, most: number): number {
  const number = numberOf(option, text, least, most)
  if (!Number.isInteger(number)) throw new Error(`${option} must be a whole number, not ${text}`)
  return number
}

function numberOf(option: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (text.trim() === '' || !(number >= least && number <= most))
    throw new Error(`${option} must be a number from ${least} to ${most}, not ${text}`)
  return number
}
