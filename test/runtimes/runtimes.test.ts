import { execFile } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import { REPOSITORY } from '../../scripts/repository.ts'
import { isSelected } from '../servers/selection.ts'
import { BACKENDS } from '../support/backends.ts'
import { installedProject } from '../support/packed-package.ts'

/** The library on other runtimes than Node.js. What works there is written down in docs/guide/bun-and-deno.md. */

const run = promisify(execFile)

// A run of the contract, and others besides it.
vi.setConfig({ testTimeout: 120_000, maxConcurrency: 8 })

const bin = (path: string) => join(REPOSITORY, 'node_modules', path)

interface Runtime {
  readonly name: string
  readonly program: string
  /** What it wants to be told before a script. */
  readonly flags: readonly string[]
}

const BUN: Runtime = { name: 'bun', program: bin('.bin/bun'), flags: ['--bun'] }
const RUNTIMES: readonly Runtime[] = [BUN, { name: 'deno', program: bin('.bin/deno'), flags: ['run', '--allow-all'] }]

/** The newest Postgres that there is: what differs between versions has nothing to do with the runtime. */
const postgres = BACKENDS.findLast(({ family }) => family === 'postgres')

// All at the same time: they mostly wait for leases to end.
test.concurrent.each(RUNTIMES)('the installed package works on $name', async (runtime) => {
  expect(await printedBy(runtime, 'test/package/smoke.mjs')).toBe('ok\n')
})

test.concurrent('the example for bun:sqlite works on bun', async () => {
  expect(await printedBy(BUN, 'examples/bun/sqlite.ts')).toBe('true 42\n')
})

if (isSelected('sqlite')) {
  const environment = { TEST_DATABASES: 'sqlite' }
  test.concurrent.each(RUNTIMES)('$name keeps the contract on SQLite, through better-sqlite3', (runtime) => {
    return expectPassed(runtime, 'contract.runtime.ts', environment)
  })

  test.concurrent('bun keeps the contract on SQLite, through bun:sqlite', () => {
    return expectPassed(BUN, 'bun-sqlite.runtime.ts', environment)
  })
}

if (postgres) {
  const environment = { TEST_DATABASES: 'postgres-18', VERROU_TEST_POSTGRES_18_URL: postgres.url }
  test.concurrent.each(RUNTIMES)(`$name keeps the contract on ${postgres.name}, through pg`, (runtime) => {
    return expectPassed(runtime, 'contract.runtime.ts', environment)
  })
  test.concurrent.each(RUNTIMES)(`$name has session locks and presence on ${postgres.name}, through pg`, (runtime) => {
    return expectPassed(runtime, 'sessions.runtime.ts', environment)
  })
}

/** What a script prints in a folder where the packed package is installed. */
async function printedBy({ name, program, flags }: Runtime, script: string): Promise<string> {
  const folder = mkdtempSync(join(await installedProject(), `${name}-`))
  copyFileSync(join(REPOSITORY, script), join(folder, basename(script)))
  const { stdout, stderr } = await run(program, [...flags, basename(script)], { cwd: folder })
  rmSync(folder, { recursive: true })
  return stdout + stderr
}

/** Fewer tests than the contract has for a database would mean that they were not found. */
const LEAST_TESTS = 130

/** Runs the tests of that file with a Vitest on that runtime. */
async function expectPassed({ name, program, flags }: Runtime, file: string, environment: object): Promise<void> {
  const report = join(mkdtempSync(join(tmpdir(), 'verrou-runtime-')), 'report.json')
  const vitest = [bin('vitest/vitest.mjs'), 'run', '--config', 'test/runtimes/vitest.config.ts']
  const reporting = ['--reporter=json', `--outputFile=${report}`, `test/runtimes/${file}`]
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, VERROU_TEST_RUNTIME: name, ...environment }
  const printed = await run(program, [...flags, ...vitest, ...reporting], { cwd: REPOSITORY, env }).then(
    ({ stdout, stderr }) => stdout + stderr,
    (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
  )
  const { success, numPassedTests, testResults }: Report = readReport(report, printed)
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  const failed = tests.filter(({ status }) => status === 'failed')
  expect(failed.map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages.join()}`)).toEqual([])
  expect(success, printed).toBe(true)
  expect(numPassedTests).toBeGreaterThan(LEAST_TESTS)
}

interface Report {
  readonly success: boolean
  readonly numPassedTests: number
  readonly testResults: readonly {
    readonly assertionResults: readonly { status: string; fullName: string; failureMessages: string[] }[]
  }[]
}

function readReport(path: string, printed: string): Report {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new Error(`there is no report of the tests: ${printed}`, { cause })
  }
}
