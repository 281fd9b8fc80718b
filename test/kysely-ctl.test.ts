import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import Database from 'better-sqlite3'
import { afterAll, expect, test } from 'vitest'
import { REPOSITORY } from '../scripts/repository.ts'

const run = promisify(execFile)

const folder = mkdtempSync(join(tmpdir(), 'verrou-kysely-ctl-'))
const file = join(folder, 'app.db')

afterAll(() => rmSync(folder, { recursive: true }))

/** `npx kysely …` as it is typed in the repository, on the database of `kysely.config.ts`. */
async function kysely(...args: string[]): Promise<string> {
  // Without what `npm test` and Vitest add: kysely-ctl says nothing where NODE_ENV is `test`.
  const folders = process.env.PATH?.split(delimiter).filter(
    (path) => !path.startsWith(join(REPOSITORY, 'node_modules')),
  )
  const env = { PATH: folders?.join(delimiter), HOME: process.env.HOME, DATABASE_URL: file, NO_COLOR: '1' }
  const { stdout, stderr } = await run('npx', ['--no', '--', 'kysely', ...args], { cwd: REPOSITORY, env })
  return stdout + stderr
}

function tables(): unknown[] {
  return read(file, "select name from sqlite_master where type = 'table' order by name")
}

/** How the table of the locks was created. */
function layoutIn(path: string, schema = ''): unknown {
  return read(path, "select sql from sqlite_master where name = 'verrou_locks'", schema)[0]
}

function read(path: string, query: string, before = ''): unknown[] {
  const database = new Database(path)
  try {
    return database.exec(before).prepare(query).pluck().all()
  } finally {
    database.close()
  }
}

const BOOKKEEPING = ['verrou_locks_migrations', 'verrou_locks_migrations_lock']

test('npx kysely migrates up, finds nothing more to do, and migrates down', { timeout: 60_000 }, async () => {
  expect(await kysely('migrate:latest')).toContain('0003_verrou_renewals')
  expect(tables()).toEqual(['verrou_locks', ...BOOKKEEPING])
  expect(layoutIn(file)).toBe(layoutIn(':memory:', readFileSync(join(REPOSITORY, 'sql/sqlite/schema.sql'), 'utf8')))
  expect(await kysely('migrate:latest')).toContain('no new migrations found')

  expect(await kysely('migrate:down')).toContain('0003_verrou_renewals')
  expect(await kysely('migrate:down')).toContain('0002_verrou_run_records')
  expect(await kysely('migrate:down')).toContain('0001_verrou_locks')
  expect(tables()).toEqual(BOOKKEEPING)
})
