// node bench/experiments/unnamed-statements.ts   (VERROU_TEST_POSTGRES_18_URL)
// What makes a statement fast that a Kysely instance sends, which cannot name it: side by side on one connection, in turns, acquire and release.
import pg from 'pg'
import { dialectNamed } from '../../src/dialects/detect.ts'
import { schemaStatements } from '../../src/schema/create-migrations.ts'
import type { Statement, StatementInput } from '../../src/statement.ts'

const ROUNDS = 30
const PAIRS = 200

const url = process.env.VERROU_TEST_POSTGRES_18_URL
if (!url) throw new Error('VERROU_TEST_POSTGRES_18_URL is not set')
const tableName = `unnamed_${process.pid}`
const dialect = dialectNamed('postgres', { tableName, schema: undefined })
const client = new pg.Client({ connectionString: url })
await client.connect()
for (const sql of schemaStatements('postgres', { tableName })) await client.query(sql)

const acquire = dialect.trySteps[0]?.statement as Statement
const { release } = dialect.statements
const TYPES: Partial<Record<keyof StatementInput, string>> = { ttlUs: 'bigint', token: 'bigint' }
const typesOf = ({ parameters }: Statement) => parameters.map((name) => TYPES[name] ?? 'text')

const returns = 'table (is_granted boolean, token bigint, now bigint, free_in bigint)'
await client.query(`create function ${tableName}_acquire(${typesOf(acquire).join(', ')}) returns ${returns}
  language plpgsql as $body$ #variable_conflict use_column
  begin return query ${acquire.sql}; end $body$`)
await client.query(`create function ${tableName}_release(${typesOf(release).join(', ')}) returns integer
  language plpgsql as $body$ declare n integer; begin ${release.sql}; get diagnostics n = row_count; return n; end $body$`)
await client.query(`prepare ${tableName}_a (${typesOf(acquire).join(', ')}) as ${acquire.sql}`)
await client.query(`prepare ${tableName}_r (${typesOf(release).join(', ')}) as ${release.sql}`)

const literal = (value: unknown) => (typeof value === 'number' ? String(value) : pg.escapeLiteral(String(value)))
const list = ({ parameters }: Statement) => parameters.map((_, n) => `$${n + 1}`).join(', ')
type Send = (statement: Statement, values: unknown[]) => Promise<Record<string, unknown>[]>
const rows = async (query: string | pg.QueryConfig) => (await client.query(query)).rows
const WAYS: Record<string, Send> = {
  'the text, as Kysely sends it': (statement, values) => rows({ text: statement.sql, values }),
  'the text, with a name': (statement, values) => rows({ name: statement.name, text: statement.sql, values }),
  'a function': (statement, values) =>
    rows({ text: `select * from ${tableName}_${statement.name}(${list(statement)})`, values }),
  'SQL `execute`, with literals': (statement, values) =>
    rows(`execute ${tableName}_${statement.name[0]}(${values.map(literal).join(', ')})`),
}

const spent = new Map<string, number[]>(Object.keys(WAYS).map((way) => [way, []]))
for (let round = 0; round < ROUNDS; round++) {
  for (const [way, send] of Object.entries(WAYS)) {
    const startMs = performance.now()
    for (let pair = 0; pair < PAIRS; pair++) await takeAndRelease(send, pair)
    if (round > 2) spent.get(way)?.push(((performance.now() - startMs) / PAIRS) * 1000)
  }
}
const median = (all: readonly number[]) => [...all].sort((a, b) => a - b)[all.length >> 1] ?? Number.NaN
const [base = 1] = [...spent.values()].map(median)
for (const [way, all] of spent) {
  process.stdout.write(`${way}: ${median(all).toFixed(0)} µs a pair, ${(base / median(all)).toFixed(2)} ×\n`)
}
await client.query(`drop function ${tableName}_acquire, ${tableName}_release`)
await client.query(`drop table ${tableName}`)
await client.end()

async function takeAndRelease(send: Send, pair: number): Promise<void> {
  const input: Partial<StatementInput> = { key: 'k', owner: 'o', attempt: `a${pair}`, ttlUs: 30_000_000, heldBy: 'h' }
  const valuesFor = ({ parameters }: Statement, more: Partial<StatementInput> = {}) =>
    parameters.map((name) => dialect.encode(name, { ...input, ...more }[name] as never))
  const [granted] = await send(acquire, valuesFor(acquire))
  if (!granted?.is_granted) throw new Error('refused')
  await send(release, valuesFor(release, { token: Number(granted.token) }))
}
