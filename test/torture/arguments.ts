import { parseArgs } from 'node:util'
import { BROKEN_BUILDS } from './broken/broken-builds.ts'
import { TORTURE_DATABASES, type TortureDatabaseName } from './databases/torture-databases.ts'
import { WORK_KINDS } from './work/work-kinds.ts'

/** What the user asked for. */
export interface Wishes {
  readonly database: TortureDatabaseName
  readonly durationMs: number
  readonly seed: number
  readonly broken: string | undefined
  readonly faults: readonly string[] | undefined
  readonly only: readonly string[] | undefined
  /** Where the report is written, as Markdown. */
  readonly report: string | undefined
  /** Keep the histories, though nothing was found. */
  readonly keep: boolean
}

const DATABASE_NAMES = Object.keys(TORTURE_DATABASES) as TortureDatabaseName[]

/** What `--help` prints. */
export const HELP = `Usage: npm run torture -- [options]

Eight processes work with locks while they are killed, paused, cut off and lied to about the time, and their database
suffers, too. Afterwards their histories are checked. Ends with 1 if anything was wrong.

  --database <name>  ${wrapped(DATABASE_NAMES)}; default: postgres
  --minutes <n>      how long; fractions are fine; default 1
  --seed <n>         a whole number. The same seed makes the same trouble; default: drawn, and printed
  --report <file>    writes the report there, as Markdown
  --work <names>     only these kinds of work: ${wrapped(WORK_KINDS.map(({ name }) => name))}
  --faults <names>   only these faults, as the report names them; "none": nothing is broken
  --broken <name>    a deliberately broken build of the library, which must be caught: ${wrapped(BROKEN_BUILDS.map(({ name }) => name))}
  --keep             keep the histories, though all is well (they are always kept when something is wrong)

Examples:
  npm run torture -- --database postgres --minutes 10 --seed 42
  npm run torture -- --database sqlite --minutes 1 --faults "kill a worker,pause a worker"
`

/** Understands the command line; `undefined`: help was asked for. Throws an error whose message says what is wrong. */
export function readArguments(given: string[]): Wishes | undefined {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const { values } = parseArgs({
    args: given,
    options: {
      ...{ help: flag, database: text, minutes: text, seed: text, report: text, keep: flag },
      ...{ work: text, faults: text, broken: text },
    },
  })
  if (values.help) return undefined
  return {
    database: oneOf('--database', values.database ?? 'postgres', DATABASE_NAMES),
    durationMs: numberOf('--minutes', values.minutes ?? '1', { least: 0.1, most: 24 * 60 }) * 60_000,
    seed: seedOf(values.seed),
    broken:
      values.broken === undefined
        ? undefined
        : oneOf(
            '--broken',
            values.broken,
            BROKEN_BUILDS.map(({ name }) => name),
          ),
    faults: values.faults === 'none' ? [] : namesIn(values.faults),
    only: namesIn(values.work)?.map((name) =>
      oneOf(
        '--work',
        name,
        WORK_KINDS.map((kind) => kind.name),
      ),
    ),
    report: values.report,
    keep: values.keep === true,
  }
}

function seedOf(text: string | undefined): number {
  if (text === undefined) return Math.floor(Math.random() * 1_000_000)
  const seed = numberOf('--seed', text, { least: 0, most: 1_000_000_000 })
  if (!Number.isInteger(seed)) throw new Error(`--seed must be a whole number, not ${text}`)
  return seed
}

function numberOf(option: string, text: string, { least, most }: { least: number; most: number }): number {
  const number = Number(text)
  if (text.trim() === '' || !(number >= least && number <= most))
    throw new Error(`${option} must be a number from ${least} to ${most}, not ${text}`)
  return number
}

function oneOf<Name extends string>(option: string, name: string, names: readonly Name[]): Name {
  const found = names.find((one) => one === name)
  if (found === undefined) throw new Error(`${option}: "${name}" is none of ${names.join(', ')}`)
  return found
}

function namesIn(text: string | undefined): string[] | undefined {
  return text?.split(',').map((name) => name.trim())
}

function wrapped(names: readonly string[]): string {
  return names
    .join(', ')
    .replace(/(.{1,78})(?:, |$)/g, (line) => (line.endsWith(', ') ? `${line.trimEnd()}\n                     ` : line))
}
