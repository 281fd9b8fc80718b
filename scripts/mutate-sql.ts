// npm run mutate [-- DIALECT[:STATEMENT]…]
// Breaks every statement in every way of test/mutation/sql-mutants.ts and runs the tests of the statements on it. What no
// test notices is named, and fails. Give the servers by URL (npx node test/servers/start.ts), or each run starts them anew.
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { allStatementsOf } from '../test/mutation/mutated.ts'
import { sqlMutants } from '../test/mutation/sql-mutants.ts'

const TESTS = [
  'test/contract.drivers.test.ts',
  'test/batching.postgres.test.ts',
  'test/batching.mysql.test.ts',
  'test/batching.sqlite.test.ts',
  'test/refused-try.test.ts',
  'test/bounded.test.ts',
  'test/explain.test.ts',
  'test/transactions.kysely.test.ts',
]
/** A portable statement is sent by a portable store only. */
const PORTABLE_TESTS = [
  'test/portable.mysql.test.ts',
  'test/portable.test.ts',
  'test/portable.transactions.test.ts',
  'test/explain.test.ts',
]
/** What is said of presences is said by stores with that option only. */
const PRESENCE_TESTS = ['test/presence.words.test.ts', 'test/presence.holding.test.ts', 'test/explain.test.ts']
const OF_PRESENCES = ['take-presence', 'see-presence', 'keep-presence', 'watch-presences', 'take-over', 'took-over']
const DATABASE_OF = { postgres: 'postgres-18', mysql: 'mysql', sqlite: 'sqlite' } as const
const AT_ONCE = 3

interface Mutant {
  readonly dialect: keyof typeof DATABASE_OF
  readonly statement: string
  readonly index: number
  readonly what: string
}

const wanted = process.argv.slice(2)
const mutants: Mutant[] = (Object.keys(DATABASE_OF) as Mutant['dialect'][]).flatMap((dialect) =>
  allStatementsOf(dialect, { tableName: 'verrou_locks', schema: undefined })
    // The same words as its namesake's, out of the same place, but for the count.
    .filter(({ name }) => !name.endsWith('-uncounted'))
    .flatMap(({ name, sql }) => sqlMutants(sql).map(({ what }, index) => ({ dialect, statement: name, index, what }))),
)
const chosen = mutants.filter(
  ({ dialect, statement }) =>
    wanted.length === 0 || wanted.includes(dialect) || wanted.includes(`${dialect}:${statement}`),
)
const folder = await mkdtemp(join(tmpdir(), 'verrou-mutants-'))
const verdicts = new Map<Mutant, string | undefined>()

const queue = [...chosen]
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
      const noticed = await noticedBy(mutant)
      verdicts.set(mutant, noticed)
      const progress = `${verdicts.size}/${chosen.length}`.padStart(8)
      console.log(
        `${progress} ${noticed ? 'noticed' : 'SURVIVED'}  ${mutant.dialect} ${mutant.statement}: ${mutant.what}`,
      )
    }
  }),
)

if (wanted.length === 0)
  await writeFile(new URL('../docs/decisions/0011-every-condition-is-tested.md', import.meta.url), page())
const survivors = chosen.filter((mutant) => !verdicts.get(mutant))
console.log(`${chosen.length - survivors.length} noticed, ${survivors.length} survived`)
process.exitCode = survivors.length === 0 ? 0 : 1

/** The first test that fails on the mutant, or undefined. */
async function noticedBy(mutant: Mutant): Promise<string | undefined> {
  const quick = await runTests(mutant, ['--bail=1'])
  // Bailing out can lose the very failure that it bails out for; the exit code cannot get lost.
  if (quick.hasPassed || quick.failed) return quick.failed
  return (await runTests(mutant, [])).failed
}

async function runTests({ dialect, statement, index }: Mutant, options: string[]) {
  const report = join(folder, `${dialect}-${statement}-${index}.json`)
  const limits = ['--testTimeout=8000', '--hookTimeout=15000', '--reporter=json', `--outputFile=${report}`]
  const env = { ...process.env, TEST_DATABASES: DATABASE_OF[dialect], VERROU_MUTANT: `${statement}:${index}` }
  const ordinary = OF_PRESENCES.includes(statement) ? PRESENCE_TESTS : TESTS
  const tests = statement.startsWith('portable-') ? PORTABLE_TESTS : ordinary
  const running = spawn('npx', ['vitest', 'run', ...tests, ...limits, ...options], { env, stdio: 'ignore' })
  const code = await new Promise((ended) => running.on('close', ended))
  const { testResults } = JSON.parse(await readFile(report, 'utf8')) as JsonReport
  const failed = testResults.flatMap((file) => file.assertionResults).find((test) => test.status === 'failed')
  return { hasPassed: code === 0, failed: failed?.title }
}

/** The part of Vitest's JSON report that is read. */
interface JsonReport {
  readonly testResults: { readonly assertionResults: { readonly status: string; readonly title: string }[] }[]
}

function page(): string {
  const rows = chosen.map((mutant) => {
    const { dialect, statement, what } = mutant
    return `| ${dialect} | ${statement} | ${what.replaceAll('|', '\\|')} | ${verdicts.get(mutant)?.replaceAll('|', '\\|') ?? '**nobody**'} |`
  })
  return `# 0011 Every condition is tested

## Context

A \`where\` that no test needs is a \`where\` that the next change may lose. So every statement is broken in every way that
matters, one at a time, and the tests of the statements are run on it: each condition taken out, each \`+ 1\`, each arm of a \`greatest\`,
each \`skip locked\` and \`nowait\`.

## Options

By hand once, or by a script that can be repeated whenever a statement changes.

## Choice

\`npm run mutate\` (scripts/mutate-sql.ts). This page is what it wrote: ${chosen.length} broken statements, on ${Object.values(DATABASE_OF).join(', ')};
${chosen.filter((mutant) => verdicts.get(mutant)).length} noticed. The last column is the first test that failed.

| dialect | statement | broken | noticed by |
|---|---|---|---|
${rows.join('\n')}

## Revisit if

A statement changes: run it again.
`
}
