import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import type { Results } from '../bench/report/results.ts'

const MAIN = fileURLToPath(new URL('../bench/main.ts', import.meta.url))
/** Where results go. */
const FOLDER = mkdtempSync(join(tmpdir(), 'verrou-bench-test-'))
/** Where the benchmark makes its own temporary folders, so that one sees whether it has removed them. */
const TEMPORARY = mkdtempSync(join(tmpdir(), 'verrou-bench-tmp-'))
// Like the machine's own: servers do not run as root.
chmodSync(TEMPORARY, 0o1777)

afterAll(() => {
  for (const folder of [FOLDER, TEMPORARY]) rmSync(folder, { recursive: true, force: true })
})

describe('the benchmark', () => {
  test('measures on SQLite, prints tables, and writes JSON and a page', { timeout: 120_000 }, async () => {
    const [json, page] = [join(FOLDER, 'all.json'), join(FOLDER, 'page.md')]
    const given = ['--quick', '--seconds', '0.2', '--rounds', '1', '--only', 'P8', '--json', json, '--report', page]
    const { output, errors, exitCode } = await runBench(...given).ended
    expect(errors).toContain('round 1 of 1, 256 callers')
    expect(output).toMatch(/│ verrou-sql, sqliteStore +│ 1 caller +│ +[1-9][\d,]* │/)
    expect(output).toMatch(/│ 1 caller: verrou-sql, sqliteStore ÷ @verrou\/core, Kysely +│ ≥ 1.5 × │ [\d.]+ ×/)
    expect(exitCode).toBe(0)
    expect(readdirSync(TEMPORARY)).toEqual([])

    const results = JSON.parse(readFileSync(json, 'utf8')) as Results
    expect(results.scenarios.map(({ id, leftOut }) => ({ id, leftOut }))).toEqual([{ id: 'P8', leftOut: [] }])
    expect(readFileSync(page, 'utf8')).toContain('## P8. An SQLite file')
    expect(readFileSync(join(FOLDER, 'page/p8-sqlite.svg'), 'utf8')).toMatch(/^<svg /)

    const again = join(FOLDER, 'again.md')
    expect((await runBench('--from', json, '--report', again).ended).exitCode).toBe(0)
    expect(readFileSync(again, 'utf8')).toBe(readFileSync(page, 'utf8').replaceAll('](page/', '](again/'))
  })

  test('measures on a Postgres that keeps what it commits, or says why not', { timeout: 120_000 }, async () => {
    const json = join(FOLDER, 'p1.json')
    const given = ['--quick', '--seconds', '0.2', '--rounds', '1', '--only', 'P1', '--json', json]
    const { output, exitCode } = await runBench(...given).ended
    expect(exitCode).toBe(0)
    const { scenarios, servers } = JSON.parse(readFileSync(json, 'utf8')) as Results
    const postgres = servers.find(({ name }) => name === 'postgres')
    if (postgres === undefined) return expect(output).toContain('not run: all of P1: postgres cannot be had')
    expect(postgres).toMatchObject({ isDurable: true, settings: { fsync: 'on', synchronous_commit: 'on' } })
    expect(output).toMatch(/│ verrou-sql, pgStore +│ 1 caller +│ +[1-9][\d,]* │/)
    expect(scenarios[0]?.targets.map(({ seen }) => seen !== undefined)).toEqual([true, true, true, true])
  })

  test('stopped by Ctrl-C, ends its processes and removes its folders', { timeout: 60_000 }, async () => {
    const bench = runBench('--seconds', '60', '--only', 'P8')
    await bench.says('round 1 of 5')
    bench.interrupt()
    expect((await bench.ended).exitCode).toBe(130)
    expect(readdirSync(TEMPORARY)).toEqual([])
  })

  test.each([
    ['an unknown option', ['--speed', 'fast'], /^Unknown option '--speed'.*\n$/],
    ['an unknown scenario', ['--only', 'P99'], /^--only: "P99" is none of P1, P2, .*P10.*\n$/],
  ])('refuses %s in one line', async (_name, given, message) => {
    const { errors, exitCode } = await runBench(...given).ended
    expect(errors).toMatch(message)
    expect(exitCode).toBe(2)
  })

  test('a file that it did not write is named', async () => {
    const given = ['--from', join(FOLDER, 'none.json'), '--report', join(FOLDER, 'none.md')]
    const { errors, exitCode } = await runBench(...given).ended
    expect(errors).toMatch(/^The benchmark ended early: ENOENT.*none\.json/)
    expect(exitCode).toBe(1)
  })

  test('explains its options', async () => {
    const { output, exitCode } = await runBench('--help').ended
    expect(output).toContain('--only <ids>')
    expect(output).toContain('P10  A killed process and its leases')
    expect(exitCode).toBe(0)
  })
})

function runBench(...given: string[]) {
  const child = spawn(process.execPath, [MAIN, ...given], {
    env: { ...process.env, TMPDIR: TEMPORARY, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [output, errors] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const ended = new Promise<{ output: string; errors: string; exitCode: number | null }>((resolve) => {
    child.on('close', (exitCode) => resolve({ output, errors, exitCode }))
  })
  return {
    ended,
    interrupt: () => child.kill('SIGINT'),
    async says(text: string) {
      while (!errors.includes(text) && child.exitCode === null) await pause(20)
    },
  }
}
