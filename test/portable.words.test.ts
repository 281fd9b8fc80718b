import { describe, expect, test } from 'vitest'
import type { DialectName } from '../src/dialects/compiler.ts'
import { detectDatabase, dialectNamed } from '../src/dialects/detect.ts'
import { resolveTable } from '../src/options.ts'
import { statementsOf } from './mutation/mutated.ts'

const TABLE = resolveTable({})
const PORTABLE = (['postgres', 'mysql'] as const).flatMap((dialect) =>
  statementsOf(dialectNamed(dialect, TABLE, true)).map(({ name, sql }): [DialectName, string, string] => [
    dialect,
    name,
    sql,
  ]),
)

/** What engines lack that speak the language: docs/databases.md tells which. */
const LACKING = {
  postgres: [/\bpg_\w+/, /set_config/, /synchronous_commit/, /for (no )?key /, /for share/, /select\s+from\b/],
  mysql: [/skip locked/, /last_insert_id/, /json_table/, /on duplicate key/, /force index/, /straight_join/],
}

test.each(PORTABLE)('%s, %s: has nothing that engines lack', (dialect, _name, sql) => {
  for (const lacking of LACKING[dialect as keyof typeof LACKING]) expect(sql).not.toMatch(lacking)
  const changes = sql.match(/\b(insert into|update|delete from)\s+["`]verrou_locks["`]/g) ?? []
  expect(changes.length).toBeLessThanOrEqual(1)
  if (dialect === 'mysql')
    expect(withoutParentheses(sql).match(/for update/g) ?? []).toEqual(sql.match(/for update/g) ?? [])
})

test('the words that are not portable have all of it: this test would notice', () => {
  for (const dialect of ['postgres', 'mysql'] as const) {
    const all = statementsOf(dialectNamed(dialect, TABLE)).map(({ sql }) => sql)
    for (const lacking of LACKING[dialect]) expect(all.filter((sql) => lacking.test(sql))).not.toEqual([])
  }
})

describe('of a database that tells its version', () => {
  const detected = (version: string) =>
    detectDatabase(async () => ({ rows: [{ version }], affectedRows: 0, insertId: 0 }), false)

  // As their documentation and their users' reports show it.
  test.each([
    ['CockroachDB CCL v25.2.1 (x86_64-pc-linux-gnu, built 2025/05/28)', 'postgres', true],
    ['PostgreSQL 15.12-YB-2025.1.0.0-b168 on x86_64-pc-linux-gnu, compiled by clang', 'postgres', true],
    ['8.0.11-TiDB-v8.5.6', 'mysql', true],
    ['8.0.30-Vitess', 'mysql', true],
    ['PostgreSQL 18.4 on x86_64-pc-linux-gnu, compiled by gcc', 'postgres', false],
    ['8.0.39', 'mysql', false],
    ['9.7.4-2', 'mysql', false],
    ['10.11.14-MariaDB-0+deb12u2', 'mysql', false],
  ])('%s', async (version, name, lacksFeatures) => {
    expect(await detected(version)).toEqual({ name, lacksFeatures })
  })
})

function withoutParentheses(sql: string): string {
  let text = sql
  for (let before = ''; before !== text; ) {
    before = text
    text = text.replace(/\([^()]*\)/g, '')
  }
  return text
}
