import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { REPOSITORY } from '../../scripts/repository.ts'
import { CHECKS } from '../../src/cli/doctor/examine.ts'
import { schemaStatements } from '../../src/schema/create-migrations.ts'
import { isSelected } from '../servers/selection.ts'
import { runVerrou } from '../support/cli.ts'

describe.runIf(isSelected('sqlite')).concurrent('verrou doctor', { timeout: 60_000 }, () => {
  let folder: string

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'verrou-doctor-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** @param prepare what the file has, before the doctor comes */
  async function doctor(name: string, prepare: string, ...given: string[]) {
    const file = join(folder, `${name}.db`)
    const database = new Database(file)
    database.exec(prepare)
    database.close()
    return await run('doctor', '--url', file, ...given)
  }

  const run = (...given: string[]) => runVerrou(given, { cwd: folder })

  test('of the embedded file: all is well, and it says so', async () => {
    const { stdout, code } = await run('doctor', '--strict')
    expect(stdout).toMatch(/^✓ server {10}SQLite [\d.]+\n/)
    expect(stdout).toMatch(/\n\nAll is well\.\n$/)
    expect(code).toBe(0)
  })

  test('a problem: what, why, what to do, and exit code 1', async () => {
    const { stdout, code } = await doctor('no-table', 'pragma journal_mode = wal')
    expect(stdout).toContain('✗ table           there is no table `verrou_locks`, or this user cannot see it\n')
    expect(stdout).toContain('why it matters: every lock fails with E_SCHEMA_MISSING\n')
    expect(stdout).toContain('to do: npx verrou migrate')
    expect(stdout).toMatch(/\n\n1 problem\. The runbook has a section for each name/)
    expect(code).toBe(1)
  })

  test('for machines: a line of JSON, with the same exit code', async () => {
    const { stdout, code } = await doctor('json', 'pragma journal_mode = wal', '--json')
    const { database, isFit, findings } = JSON.parse(stdout)
    expect([database, isFit, code]).toEqual([expect.stringContaining('json.db'), false, 1])
    expect(findings).toContainEqual({
      check: 'table',
      level: 'problem',
      what: expect.any(String),
      why: expect.any(String),
      todo: expect.any(String),
    })
  })

  test.each([
    ['without --strict', 0, []],
    ['with --strict', 1, ['--strict']],
  ])('a warning, %s', async (name, exitCode, given) => {
    const result = await doctor(name, schemaStatements('sqlite').join(';\n'), ...given)
    expect(result.stdout).toContain('! file            the journal mode is delete\n')
    expect(result.code).toBe(exitCode)
  })

  test('a server that is down: one line, and the exit code of that', async () => {
    const { stderr, code } = await run('doctor', '--url', 'postgres://me:secret@127.0.0.1:1/x')
    expect(stderr).toMatch(/^verrou: cannot use postgres:\/\/me@127\.0\.0\.1:1\/x: .*\n$/)
    expect(code).toBe(69)
  })
})

test('the runbook has a section for each check, by its name', () => {
  const page = readFileSync(join(REPOSITORY, 'docs/guide/runbook.md'), 'utf8')
  const sections = [...page.matchAll(/^### ([a-z-]+)$/gm)].map(([, name]) => name)
  expect(sections.sort()).toEqual(CHECKS.map(({ name }) => name).sort())
})
