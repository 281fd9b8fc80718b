import { parseArgs } from 'node:util'

/** A database to measure: one of the test servers by name, or any by URL. */
export interface Target {
  readonly name: string
  readonly family: 'postgres' | 'mysql' | 'sqlite'
  /** Missing for SQLite: a file in a temporary folder. */
  readonly url?: string
}

/** What the user asked for. */
export interface Wishes {
  readonly targets: readonly Target[]
  readonly processes: readonly number[]
  readonly waiters: readonly number[]
  readonly holdMs: readonly number[]
  readonly pauseMs: readonly number[]
  readonly delayMs: number | undefined
  readonly seconds: number
  readonly rounds: number
  readonly json: string | undefined
}

const VARIABLES: Readonly<Record<string, string>> = {
  'postgres-14': 'VERROU_TEST_POSTGRES_14_URL',
  'postgres-18': 'VERROU_TEST_POSTGRES_18_URL',
  mysql: 'VERROU_TEST_MYSQL_URL',
  mariadb: 'VERROU_TEST_MARIADB_URL',
}

/** What `--help` prints. */
export const HELP = `Usage: npm run bench:hand-over -- [options]

Processes hand one key back and forth, each with some callers that wait for it. Told is how long the key lies
idle between two holders, when the next one had been waiting before the release.

  --database <names>  postgres-14, postgres-18, mysql, mariadb (by their VERROU_TEST_…_URL), sqlite;
                      default: sqlite, and all whose variable is set
  --url <url>         a server instead: postgres://… or mysql://…; the user must be allowed to create
                      databases, on MySQL and MariaDB also users
  --processes <list>  default 2,4
  --waiters <list>    callers in each process, default 1,25,250
  --hold-ms <list>    how long each one keeps the key, default 0,5
  --pause-ms <list>   how long each one does something else before it asks again, default 0
  --delay-ms <n>      the \`delay\` of the locks; default: that of the library
  --seconds <n>       measured time of each line, after 1 s of warming up; default 5
  --rounds <n>        how often everything is run, in turns; default 1
  --json <file>       all numbers
`

/** Understands the command line; `undefined`: help was asked for. */
export function readArguments(given: string[]): Wishes | undefined {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: given,
    options: {
      ...{ help: { type: 'boolean' }, database: text, url: text, processes: text, waiters: text },
      ...{ 'hold-ms': text, 'pause-ms': text, 'delay-ms': text, seconds: text, rounds: text, json: text },
    },
  })
  if (values.help) return undefined
  return {
    targets: values.url === undefined ? targetsNamed(values.database) : [targetAt(values.url)],
    processes: numbersIn('processes', values.processes ?? '2,4', 1),
    waiters: numbersIn('waiters', values.waiters ?? '1,25,250', 1),
    holdMs: numbersIn('hold-ms', values['hold-ms'] ?? '0,5', 0),
    pauseMs: numbersIn('pause-ms', values['pause-ms'] ?? '0', 0),
    delayMs: values['delay-ms'] === undefined ? undefined : numbersIn('delay-ms', values['delay-ms'], 1)[0],
    seconds: numbersIn('seconds', values.seconds ?? '5', 1)[0]!,
    rounds: numbersIn('rounds', values.rounds ?? '1', 1)[0]!,
    json: values.json,
  }
}

function targetsNamed(names: string | undefined): Target[] {
  const known = Object.keys(VARIABLES).filter((name) => process.env[VARIABLES[name]!] !== undefined)
  return (names?.split(',') ?? [...known, 'sqlite']).map((name) => {
    if (name === 'sqlite') return { name, family: 'sqlite' }
    const variable = VARIABLES[name]
    if (variable === undefined)
      throw new Error(`--database: ${name} is none of sqlite, ${Object.keys(VARIABLES).join(', ')}`)
    const url = process.env[variable]
    if (url === undefined) throw new Error(`${name}: set ${variable}, or give --url`)
    return { name, family: name.startsWith('postgres') ? 'postgres' : 'mysql', url }
  })
}

function targetAt(url: string): Target {
  const { protocol, host } = new URL(url)
  return { name: host, family: protocol.startsWith('postgres') ? 'postgres' : 'mysql', url }
}

function numbersIn(option: string, text: string, least: number): number[] {
  const numbers = text.split(',').map(Number)
  if (numbers.some((one) => !(one >= least && one < 1e6)))
    throw new Error(`--${option} must be numbers from ${least}, not ${text}`)
  return numbers
}
