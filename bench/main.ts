// npm run bench -- --help
import { readFile, writeFile } from 'node:fs/promises'
import { helpText, readArguments, type Wishes } from './arguments.ts'
import { measure } from './measure.ts'
import { printScenario } from './report/print-scenario.ts'
import { Progress } from './report/progress.ts'
import type { Results } from './report/results.ts'
import { writePage } from './report/write-page.ts'
import { SCENARIOS } from './scenarios/scenarios.ts'

const INTERRUPTED = 130

process.exitCode = await main(process.argv.slice(2))

async function main(given: string[]): Promise<number> {
  let wishes: Wishes | undefined
  try {
    wishes = readArguments(
      given,
      SCENARIOS.map(({ id }) => id),
    )
  } catch (error) {
    // The first sentence says what is wrong; those that follow are advice about `--`.
    const reason = (error as Error).message.split('. ')[0]
    process.stderr.write(`${reason} (npm run bench -- --help explains the options)\n`)
    return 2
  }
  if (wishes === undefined) {
    process.stdout.write(helpText(SCENARIOS))
    return 0
  }
  try {
    const results = wishes.from === undefined ? await measureAll(wishes) : await readResults(wishes.from)
    if (results === undefined) return INTERRUPTED
    if (wishes.json !== undefined) await writeFile(wishes.json, `${JSON.stringify(results, undefined, 2)}\n`)
    if (wishes.report !== undefined) await writePage(wishes.report, results)
    return 0
  } catch (error) {
    process.stderr.write(`The benchmark ended early: ${(error as Error).message}\n`)
    return 1
  }
}

/** `undefined`: interrupted. */
async function measureAll({ only, settings }: Wishes): Promise<Results | undefined> {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // A second time, there is no patience for tidying up. Servers end with this process anyhow.
      if (interrupted.signal.aborted) process.exit(INTERRUPTED)
      interrupted.abort()
    })
  }
  const progress = new Progress()
  const wanted = SCENARIOS.filter(({ id }) => only?.includes(id) ?? true)
  try {
    return await measure(wanted, settings, progress, interrupted.signal, (result) => {
      progress.clear()
      process.stdout.write(printScenario(result))
    })
  } catch (error) {
    if (interrupted.signal.aborted) return undefined
    throw error
  } finally {
    progress.clear()
  }
}

async function readResults(file: string): Promise<Results> {
  const results = JSON.parse(await readFile(file, 'utf8')) as Partial<Results>
  if (results.scenarios === undefined || results.machine === undefined) {
    throw new Error(`${file} is no file that --json wrote`)
  }
  return results as Results
}
