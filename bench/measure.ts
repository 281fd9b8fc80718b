import Database from 'better-sqlite3'
import { failureReason } from '../test/servers/failure-reason.ts'
import { Bench, type Settings } from './bench.ts'
import { NotRun } from './not-run.ts'
import { SQLITE_SETTINGS } from './places/open-durable-sqlite.ts'
import { circumstances, loadOfTheMinute } from './report/circumstances.ts'
import type { Progress } from './report/progress.ts'
import type { Findings, Results, ScenarioResult, ServerFacts } from './report/results.ts'
import type { Scenario } from './scenarios/scenario.ts'

/**
 * Runs scenarios one after the other. One that cannot be measured, or fails, is in the results with the reason.
 *
 * @param onResult called as soon as a scenario is done
 */
export async function measure(
  scenarios: readonly Scenario[],
  settings: Settings,
  progress: Progress,
  signal: AbortSignal,
  onResult: (result: ScenarioResult) => void,
): Promise<Results> {
  const startMs = performance.now()
  const startedAt = new Date().toISOString()
  const { machine, ...about } = await circumstances()
  const results: ScenarioResult[] = []
  await using bench = new Bench(settings, progress, signal)
  for (const scenario of scenarios) {
    progress.begin(scenario.id)
    const result = await resultOf(scenario, bench)
    results.push(result)
    onResult(result)
  }
  return {
    startedAt,
    seconds: Math.round((performance.now() - startMs) / 1000),
    settings,
    ...about,
    machine: { ...machine, loadAfter: loadOfTheMinute() },
    servers: await serverFacts(bench),
    scenarios: results,
  }
}

async function resultOf(scenario: Scenario, bench: Bench): Promise<ScenarioResult> {
  const { id, title, measures, means } = scenario
  const startMs = performance.now()
  const findings = await scenario.run(bench).catch((error: unknown): Findings => {
    bench.signal.throwIfAborted()
    const reason = error instanceof NotRun ? error.message : `failed: ${failureReason(error)}`
    return { targets: [], tables: [], charts: [], notes: [], leftOut: [{ what: `all of ${id}`, reason }] }
  })
  return { id, title, measures, means, seconds: (performance.now() - startMs) / 1000, ...findings }
}

async function serverFacts(bench: Bench): Promise<ServerFacts[]> {
  const used = await bench.servers.used()
  const servers = used.map(({ name, version, source, isDurable, settings }) => ({
    ...{ name, version, source, isDurable, settings },
  }))
  return [...servers, sqliteFacts()]
}

function sqliteFacts(): ServerFacts {
  const database = new Database(':memory:')
  const { version } = database.prepare('select sqlite_version() as version').get() as { version: string }
  database.close()
  return { name: 'sqlite', version, source: 'better-sqlite3', isDurable: true, settings: SQLITE_SETTINGS }
}
