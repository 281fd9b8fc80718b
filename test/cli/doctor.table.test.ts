import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Level } from '../../src/cli/doctor/finding.ts'
import type { DialectName } from '../../src/dialects/compiler.ts'
import { createMigrations, schemaStatements } from '../../src/schema/create-migrations.ts'
import { DOCTOR_PLACES, type DoctorPlace } from '../support/doctor/doctor-places.ts'
import { type Examined, openExamined } from '../support/doctor/examined.ts'

/** What somebody has done to the table (`$t`), and what the doctor must say of it. */
type Drift = readonly [what: string, statements: readonly string[], level: Level, says: RegExp]

/** Without what the second migration adds; where a step takes the table itself, it says so by its own words. */
const DRIFTS: Readonly<Record<DialectName, readonly Drift[]>> = {
  postgres: [
    ['no table', ['drop table $t'], 'problem', /no table `\w+`/],
    ['columns of runs missing', ['alter table $t drop column run_by'], 'warning', /lacks `run_by`/],
    ['a column missing', ['alter table $t drop column wanted'], 'problem', /lacks `wanted`/],
    [
      'a short key',
      ['alter table $t alter key type varchar(100) collate "C"'],
      'problem',
      /`key` is character varying/,
    ],
    ['small numbers', ['alter table $t alter token type integer'], 'problem', /`token` is integer instead of bigint/],
    ['an end that may be missing', ['alter table $t alter expires_at drop not null'], 'warning', /`expires_at` is not/],
    ['an owner that must be there', ['alter table $t alter owner set not null'], 'problem', /`owner` is `not null`/],
    ['a column of somebody else', ['alter table $t add mine text not null'], 'problem', /`mine` that must be filled/],
    ['a sorted key', ['alter table $t alter key type text collate "und-x-icu"'], 'warning', /collation und-x-icu/],
    [
      'a key without case',
      [
        "create collation if not exists no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        'alter table $t alter key type text collate no_case',
      ],
      'problem',
      /collation no_case/,
    ],
    ['no primary key', ['alter table $t drop constraint "$t_pkey"'], 'problem', /no primary key/],
    [
      'another primary key',
      ['alter table $t drop constraint "$t_pkey"', 'alter table $t add primary key (key, token)'],
      'problem',
      /primary key is \(key,token\)/,
    ],
    ['full pages', ['alter table $t reset (fillfactor)'], 'warning', /fillfactor is 100 instead of 50/],
    ['pages that are too empty', ['alter table $t set (fillfactor = 20)'], 'note', /fillfactor is 20/],
    ['an unlogged table', ['alter table $t set unlogged'], 'warning', /unlogged/],
    ['row-level security', ['alter table $t enable row level security'], 'problem', /row-level security/],
    ['an index', ['create index on $t (expires_at)'], 'warning', /an index that is not ours: `\w+expires_at_idx`/],
    [
      'a trigger',
      [
        "create function nothing() returns trigger language plpgsql as 'begin return new; end'",
        'create trigger mine before update on $t for each row execute function nothing()',
      ],
      'warning',
      /a trigger that is not ours: `mine`/,
    ],
    ['a constraint', ['alter table $t add constraint mine check (token > 0)'], 'warning', /a constraint.*: `mine`/],
    ['a rule', ['create rule mine as on delete to $t do also nothing'], 'warning', /a rule that is not ours: `mine`/],
    [
      'a view',
      ['alter table $t rename to "$t_real"', 'create view $t as select * from "$t_real"'],
      'problem',
      /a view/,
    ],
  ],

  mysql: [
    ['no table', ['drop table $t'], 'problem', /no table `\w+`/],
    ['columns of runs missing', ['alter table $t drop column run_by'], 'warning', /lacks `run_by`/],
    ['a column missing', ['alter table $t drop column wanted'], 'problem', /lacks `wanted`/],
    [
      'a key without case',
      ['alter table $t modify `key` varchar(255) character set utf8mb4 not null'],
      'problem',
      /`key` is varchar\(255\) instead of varbinary\(1024\)/,
    ],
    ['small numbers', ['alter table $t modify token int not null'], 'problem', /`token` is int/],
    ['an end that may be missing', ['alter table $t modify expires_at bigint'], 'warning', /`expires_at` is not/],
    [
      'an owner that must be there',
      ["alter table $t modify owner varbinary(255) not null default ''"],
      'problem',
      /`owner` is/,
    ],
    ['a column of somebody else', ['alter table $t add mine int not null'], 'problem', /`mine` that must be filled/],
    ['no primary key', ['alter table $t drop primary key'], 'problem', /no primary key/],
    [
      'another engine',
      ['alter table $t modify `key` varbinary(700) not null', 'alter table $t engine = MyISAM'],
      'problem',
      /engine is MyISAM/,
    ],
    ['another row format', ['alter table $t row_format = compressed'], 'note', /row format is Compressed/],
    ['an index', ['create index mine on $t (expires_at)'], 'warning', /an index that is not ours: `mine`/],
    [
      'a trigger',
      ['create trigger $t_mine before update on $t for each row set new.token = new.token'],
      'warning',
      /a trigger that is not ours/,
    ],
    ['a constraint', ['alter table $t add constraint mine check (token > 0)'], 'warning', /a constraint.*: `mine`/],
    ['partitions', ['alter table $t partition by key (`key`) partitions 2'], 'warning', /partitions that are not ours/],
    [
      'a view',
      ['alter table $t rename to $t_real', 'create view $t as select * from $t_real'],
      'problem',
      /it is a view/,
    ],
  ],

  sqlite: [
    ['no table', ['drop table $t'], 'problem', /no table `\w+`/],
    ['columns of runs missing', ['alter table $t drop column run_by'], 'warning', /lacks `run_by`/],
    ['a column missing', ['alter table $t drop column wanted'], 'problem', /lacks `wanted`/],
    [
      'a table without types, by hand',
      ['drop table $t', 'create table $t (key text not null primary key collate nocase, owner text)'],
      'problem',
      /collation NOCASE/,
    ],
    [
      'not strict',
      ['drop table $t', 'create table $t (key text not null primary key) without rowid'],
      'warning',
      /not strict/,
    ],
    ['a rowid', ['drop table $t', 'create table $t (key text not null primary key) strict'], 'note', /rowid/],
    ['no primary key', ['drop table $t', 'create table $t (key text not null) strict'], 'problem', /no primary key/],
    [
      'text in numbers',
      ['drop table $t', 'create table $t (key text not null primary key, token text not null) strict'],
      'problem',
      /`token` is text/,
    ],
    ['an index', ['create index mine on $t (expires_at)'], 'warning', /an index that is not ours: `mine`/],
    [
      'a trigger',
      ['create trigger mine after update on $t begin select 1; end'],
      'warning',
      /a trigger that is not ours: `mine`/,
    ],
    ['a view', ['drop table $t', 'create view $t as select 1 as key'], 'problem', /it is a view/],
  ],
}

describe.each(DOCTOR_PLACES)('doctor, the table: $name', ({ family, create }) => {
  let place: DoctorPlace
  const open: Examined[] = []

  beforeAll(async () => {
    place = await create()
  })
  afterAll(async () => {
    for (const one of open) await one[Symbol.asyncDispose]()
    await place.drop()
  })

  /** Each test has a table of its own, and in SQLite a file. */
  async function examined(): Promise<{ one: Examined; tableName: string }> {
    const tableName = `t_${randomBytes(4).toString('hex')}`
    const url = family === 'sqlite' ? join(dirname(place.url), `${tableName}.db`) : place.url
    const one = await openExamined(url, tableName)
    open.push(one)
    return { one, tableName }
  }

  test('as the migrations make it, nothing is wrong', async () => {
    const { one, tableName } = await examined()
    for (const { up } of Object.values(createMigrations({ tableName }))) await up(one.connection.db)
    expect((await one.check('table')).map(({ level, what }) => [level, what])).toEqual([
      ['ok', `\`${tableName}\` is what the migrations make`],
      ['note', expect.stringContaining('`verrou migrate` has not made it')],
    ])
  })

  test.each(DRIFTS[family])('%s', async (_what, statements, level, says) => {
    const { one, tableName } = await examined()
    for (const text of schemaStatements(family, { tableName })) await one.send(text)
    for (const text of statements) await one.send(text.replaceAll('$t', tableName))
    const remarks = await one.check('table')
    expect(remarks).toContainEqual(expect.objectContaining({ level, what: expect.stringMatching(says) }))
    const told = remarks.filter((remark) => remark.level === 'warning' || remark.level === 'problem')
    expect(told.every(({ why, todo }) => why && todo)).toBe(true)
  })
})
