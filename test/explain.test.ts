import Database from 'better-sqlite3'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialectNamed } from '../src/dialects/detect.ts'
import { schemaStatements } from '../src/schema/create-migrations.ts'
import type { Statement, StatementInput } from '../src/statement.ts'
import { allStatementsOf, mutated, statementsOf } from './mutation/mutated.ts'
import { isSelected } from './servers/selection.ts'
import { BACKENDS } from './support/backends.ts'
import { uniqueTableName } from './support/table-name.ts'

/** What is looked up by its key is found by the primary key, however many rows there are, and whatever the database believes of them. */

const tableName = uniqueTableName('explain')
const table = { tableName, schema: undefined }

/** A page of rows is what these are for. */
const READ_A_PAGE = ['sweep-look', 'list']
/** An insert alone looks nothing up. */
const INSERTS = /^portable-create/

const hold = (n: number) => ({ key: `k${n}`, owner: 'o', token: 5 })
const INPUT: StatementInput = {
  ...hold(7),
  attempt: 'a',
  ttlUs: 1,
  heldBy: 'h',
  heirOwner: 'p',
  heirAttempt: 'b',
  renewals: [1, 2, 3].map((n) => ({ ...hold(n), ttlUs: 1 })),
  tries: [1, 2, 3].map((n) => ({ ...hold(n), attempt: 'a', ttlUs: 1, heldBy: 'h' })),
  holds: [1, 2, 3].map(hold),
  periodUs: 1,
  hasFailed: false,
  nextToken: 1,
  nowUs: 1,
  seen: '',
  keys: ['k1', 'k2', 'k3'],
  sessionLocks: [],
  sessionWants: [],
  sessionLock: '1',
  sessionWant: '2',
  presence: '0123456789abcdef',
  takeOvers: [1, 2, 3].map((n) => ({ key: `k${n}`, owner: 'o', attempt: 'a', ttlUs: 1, heldBy: 'h' })),
  afterKey: 'k',
  fromKey: 'k',
  prefix: 'k',
  showsHeld: true,
  showsFree: false,
  limit: 100,
  retentionUs: 1,
  freeSinceUs: 1,
}

const ROWS = [0, 1_000, 100_000]

for (const { name, family, url } of BACKENDS.filter((backend) => backend.family === 'postgres')) {
  const dialect = dialectNamed(family, table)
  const byKey = allStatementsOf(family, table).filter(
    (statement) =>
      statement.sql.includes(tableName) && !READ_A_PAGE.includes(statement.name) && !INSERTS.test(statement.name),
  )

  describe(name, () => {
    let client: pg.Client
    beforeAll(async () => {
      client = new pg.Client({ connectionString: url })
      await client.connect()
      for (const sql of schemaStatements('postgres', { tableName })) await client.query(sql)
      // Only what we say is analysed, and when.
      await client.query(`alter table ${tableName} set (autovacuum_enabled = off)`)
      await client.query('set plan_cache_mode = force_generic_plan')
      const broken = mutated('postgres', tableName)
      for (const statement of byKey) await client.query(`prepare "${statement.name}" as ${broken(statement.sql)}`)
    })
    afterAll(async () => {
      await client.query(`drop table if exists ${tableName}`)
      await client.end()
    })

    const planOf = async ({ name: prepared, parameters }: Statement) => {
      const values = parameters.map((parameter) => literalOf(dialect.encode(parameter, INPUT[parameter])))
      const list = values.length > 0 ? `(${values.join(', ')})` : ''
      const { rows } = await client.query(`explain (costs off) execute "${prepared}"${list}`)
      return rows.map((row) => String(row['QUERY PLAN'])).join('\n')
    }
    const insert = (rows: number) =>
      client.query(
        `insert into ${tableName} (key, owner, token, expires_at, acquired_at)
         select 'k' || n, 'o', 5, 9000000000000000, 5 from generate_series(1, ${rows}) as n on conflict do nothing`,
      )
    const expectLookUps = async () => {
      for (const statement of byKey) {
        const plan = await planOf(statement)
        expect(plan, statement.name).not.toMatch(/Seq Scan on/)
        expect(plan, statement.name).toMatch(new RegExp(`(Scan using|Scan on) ${tableName}_pkey`))
      }
    }

    // Planned anew for every call: the database sees how large the table is, whatever else it believes of it.
    const expectPages = async () => {
      for (const { name: page, sql, parameters, isPlannedAnew } of allStatementsOf(family, table)) {
        if (!READ_A_PAGE.includes(page)) continue
        expect(isPlannedAnew).toBe(true)
        const values = parameters.map((parameter) => literalOf(dialect.encode(parameter, INPUT[parameter])))
        const filled = sql.replace(/\$(\d+)/g, (_, n) => String(values[Number(n) - 1]))
        const { rows } = await client.query(`explain (costs off) ${filled}`)
        const plan = rows.map((row) => String(row['QUERY PLAN'])).join('\n')
        expect(plan, page).not.toMatch(/Seq Scan on|Bitmap Heap Scan|Sort Key/)
        expect(plan, page).toMatch(new RegExp(`Index Scan using ${tableName}_pkey`))
      }
    }

    for (const rows of ROWS) {
      test(`${rows} rows, with plans made when there were none`, async () => {
        await insert(rows)
        await expectLookUps()
        if (rows > 1_000) await expectPages()
      })
    }

    test.each(ROWS.slice(1))('%i rows that the database knows of', async (rows) => {
      // Emptied, not deleted from: what a stranger's snapshot still sees, a vacuum keeps and counts as pages.
      await client.query(`truncate ${tableName}`)
      await insert(rows)
      await client.query(`vacuum analyze ${tableName}`)
      await expectLookUps()
      await insert(100_000)
      await expectLookUps()
      await expectPages()
    })
  })
}

function literalOf(given: unknown): string {
  return typeof given === 'string' ? `'${given}'` : String(given)
}

for (const { name, family, url } of BACKENDS.filter((backend) => backend.family === 'mysql')) {
  describe(name, () => {
    const dialect = dialectNamed(family, table)
    const neverWaiting = statementsOf(dialect).filter(({ sql }) => /join[\s\S]*(nowait|skip locked)/.test(sql))
    let connection: mysql.Connection
    beforeAll(async () => {
      connection = await mysql.createConnection(url)
      for (const sql of schemaStatements('mysql', { tableName })) await connection.query(sql)
    })
    afterAll(async () => {
      await connection.query(`drop table if exists ${tableName}`)
      await connection.end()
    })

    test.each([0, 1, 1_000, 20_000])('%i rows: what never waits reads no row but its own', async (rows) => {
      for (let start = 0; start < rows; start += 1_000) {
        const values = Array.from({ length: Math.min(rows, 1_000) }, (_, n) => [
          ...[`k${start + n}`, 'o', 5, 9_000_000_000_000_000, 5],
        ])
        await connection.query(
          `insert ignore into ${tableName} (\`key\`, owner, token, expires_at, acquired_at) values ?`,
          [values],
        )
      }
      await connection.query(`analyze table ${tableName}`)
      const broken = mutated('mysql', tableName)
      for (const { name: statement, sql, parameters } of neverWaiting) {
        const values = parameters.map((parameter) => dialect.encode(parameter, INPUT[parameter]))
        const [plan] = await connection.query<mysql.RowDataPacket[]>(
          `explain /*!80000 format = traditional */ ${broken(sql)}`,
          values,
        )
        // The list itself, and what was found of it, are read as a whole.
        const scans = plan
          .filter((step) => /^(ALL|index)$/.test(step.type) && !/^(<|asked)/.test(step.table))
          // MySQL names the table that is inserted into, too.
          .filter((step) => step.select_type !== 'INSERT')
        expect(scans, statement).toEqual([])
      }
    })
  })
}

describe.runIf(isSelected('sqlite'))('sqlite', () => {
  test.each([0, 1, 1_000, 100_000])('%i rows', (rows) => {
    const dialect = dialectNamed('sqlite', table)
    const database = new Database(':memory:')
    for (const sql of schemaStatements('sqlite', { tableName })) database.exec(sql)
    const insert = database.prepare(
      `insert into ${tableName} (key, owner, token, expires_at, acquired_at) values (?, 'o', 5, 9000000000000000, 5)`,
    )
    database.transaction(() => {
      for (let n = 0; n < rows; n++) insert.run(`k${n}`)
    })()
    const broken = mutated('sqlite', tableName)
    for (const analysis of ['', 'analyze']) {
      database.exec(analysis)
      for (const { name, sql, parameters } of statementsOf(dialect)) {
        if (READ_A_PAGE.includes(name)) continue
        const values = parameters.map((parameter) => dialect.encode(parameter, INPUT[parameter]))
        const steps = database.prepare(`explain query plan ${broken(sql)}`).all(...values) as { detail: string }[]
        const scans = steps.filter(({ detail }) => new RegExp(`SCAN (locks|${tableName})`).test(detail))
        expect(scans, name).toEqual([])
      }
    }
    database.close()
  })
})
