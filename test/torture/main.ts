// npm run torture -- --help
// Real processes, real faults, a checker: see docs/torture/README.md.
import { execFileSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { HELP, readArguments, type Wishes } from './arguments.ts'
import { BROKEN_BUILDS } from './broken/broken-builds.ts'
import { TORTURE_DATABASES } from './databases/torture-databases.ts'
import { ProgressLine } from './progress-line.ts'
import { reportOf } from './report.ts'
import { torture, type Verdict } from './torture.ts'

process.exitCode = await main()

async function main(): Promise<number> {
  let wishes: Wishes | undefined
  try {
    wishes = readArguments(process.argv.slice(2))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${HELP}`)
    return 2
  }
  if (wishes === undefined) {
    process.stdout.write(HELP)
    return 0
  }
  return await run(wishes)
}

async function run(wishes: Wishes): Promise<number> {
  const { database: name, durationMs, seed } = wishes
  const interrupted = new AbortController()
  // Ctrl-C reaches the workers as well; what is checked then is what there is.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())
  console.log(`Torture of ${name} for ${durationMs / 60_000} minutes, seed ${seed}.`)
  const database = await TORTURE_DATABASES[name]()
  console.log(database.version)
  const progress = new ProgressLine(durationMs)
  try {
    const { broken } = wishes
    const build = BROKEN_BUILDS.find((build) => build.name === broken)
    const only = wishes.only ?? build?.work
    const faults = wishes.faults ?? build?.faults
    const verdict = await torture({
      ...{
        database,
        seed,
        durationMs,
        broken,
        faults,
        only,
        stopsAt: BROKEN_BUILDS.find((build) => build.name === broken)?.caughtBy,
      },
      onProgress: (now) => progress.show(now),
      signal: interrupted.signal,
    })
    progress.done()
    return await tell(verdict, wishes, database)
  } finally {
    progress.done()
    await database.stop()
  }
}

async function tell(verdict: Verdict, wishes: Wishes, database: { name: string; version: string }): Promise<number> {
  const { violations, folder } = verdict
  const report = reportOf({ verdict, database, seed: wishes.seed, ...circumstances() })
  console.log(report)
  if (wishes.report !== undefined) await writeFile(wishes.report, report)
  if (violations.length > 0 || wishes.keep) console.log(`The histories are in ${folder}`)
  else await rm(folder, { recursive: true, force: true })
  return violations.length > 0 ? 1 : 0
}

function circumstances(): { commit: string; day: string; nodeVersion: string } {
  return {
    commit: execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim(),
    day: new Date().toISOString().slice(0, 10),
    nodeVersion: process.versions.node,
  }
}
