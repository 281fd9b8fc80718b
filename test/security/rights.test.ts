import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { REPOSITORY } from '../../scripts/repository.ts'
import { dialectNamed } from '../../src/dialects/detect.ts'
import type { LockDialect } from '../../src/dialects/dialect.ts'
import { listeningStatements } from '../../src/dialects/postgres/listening-statements.ts'
import type { Statement } from '../../src/statement.ts'
import { statementsOf } from '../mutation/mutated.ts'
import { BACKENDS, type Backend } from '../support/backends.ts'
import type { OpenBackend, TableAddress } from '../support/contract-backend.ts'
import { roleBackend } from '../support/role.ts'

/** Something for every parameter. */
const INPUT: Readonly<Record<string, unknown>> = {
  ...{
    key: 'k',
    owner: 'o',
    attempt: 'a',
    token: 1,
    ttlUs: 1,
    heldBy: 'h',
    heirOwner: 'o',
    heirAttempt: 'a',
    periodUs: 1,
  },
  ...{
    hasFailed: false,
    seen: '',
    afterKey: '',
    renewals: [{ key: 'k', owner: 'o', token: 1, ttlUs: 1 }],
    tries: [{ key: 'k', owner: 'o', attempt: 'a', ttlUs: 1, heldBy: 'h' }],
    holds: [{ key: 'k', owner: 'o', token: 1 }],
    keys: ['k'],
    sessionLocks: ['7'],
    sessionWants: ['8'],
    sessionLock: '7',
    sessionWant: '8',
    presence: '0123456789abcdef',
    takeOvers: [{ key: 'k', owner: 'o', attempt: 'a', ttlUs: 1, heldBy: 'h' }],
    ...{ fromKey: '', prefix: '', showsHeld: true, showsFree: true, limit: 1, retentionUs: 1, freeSinceUs: 1 },
  },
}

/** Sends one statement as the role, in a transaction that is undone. @returns the error of the server */
type SendAs = (sql: string, values?: readonly unknown[]) => Promise<unknown>

for (const server of BACKENDS) {
  describe(server.name, () => {
    let open: OpenBackend
    let address: TableAddress
    let dialect: LockDialect
    let role: { send: SendAs; end(): Promise<void> }
    beforeAll(async () => {
      open = await roleBackend(server).open()
      address = open.address as TableAddress
      dialect = dialectNamed(server.family, { tableName: address.tableName, schema: undefined })
      role = await connect(server.family, address.url)
    })
    afterAll(async () => {
      await role.end()
      await open.close()
    })

    const refusedOf = async (statements: readonly Statement[]) => {
      const refused: string[] = []
      for (const { name, sql, parameters } of statements) {
        const values = parameters.map((parameter) => dialect.encode(parameter, INPUT[parameter] as never))
        const error = await role.send(sql, values)
        if (error) refused.push(`${name}: ${(error as Error).message}`)
      }
      return refused
    }

    test('every statement of the library is allowed', async () => {
      expect(await refusedOf(statementsOf(dialect))).toEqual([])
    })

    test('each of the four rights is needed', async () => {
      const { tableName } = address
      const who = new URL(address.url).username
      const [table, name] = server.family === 'postgres' ? [tableName, who] : [tableName, `'${who}'@'%'`]
      for (const right of ['select', 'insert', 'update', 'delete']) {
        await open.send(`revoke ${right} on ${table} from ${name}`)
        expect(await refusedOf(statementsOf(dialect)), right).not.toEqual([])
        await open.send(`grant ${right} on ${table} to ${name}`)
      }
      expect(await refusedOf(statementsOf(dialect))).toEqual([])
    })

    test('nothing else is', async () => {
      const { tableName } = address
      const others = [
        `drop table ${tableName}`,
        `alter table ${tableName} add column x integer`,
        `truncate table ${tableName}`,
        'create table mine (id integer)',
        `select * from ${tableName}_migrations`,
        `create index i on ${tableName} (token)`,
        ...(server.family === 'postgres'
          ? ['create temporary table mine (id integer)', 'create schema mine']
          : ['create database mine']),
      ]
      for (const text of others) expect(await role.send(text), text).toBeInstanceOf(Error)
    })

    if (server.family === 'postgres') functionsNeeded(server, () => ({ open, role, refusedOf, dialect, address }))
  })
}

interface Opened {
  readonly open: OpenBackend
  readonly role: { send: SendAs }
  readonly refusedOf: (statements: readonly Statement[]) => Promise<string[]>
  readonly dialect: LockDialect
  readonly address: TableAddress
}

/** Databases that take rights on built-in functions away from everybody: the page names those that are used. */
function functionsNeeded(_server: Backend, opened: () => Opened): void {
  const page = readFileSync(join(REPOSITORY, 'docs/security.md'), 'utf8')
  const namesIn = (sentence: RegExp) => {
    const names = sentence.exec(page)?.[1] ?? ''
    return [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name!)
  }
  const ordinary = namesIn(/^The statements call these functions: (.*)$/m)
  const named = [...ordinary, ...namesIn(/^Those of `presence` also call: (.*)$/m)]

  test.each([
    ['that the statements call', false],
    ['of presences, too', true],
  ])('the page names every function %s', async (_, hasPresence) => {
    const { open, dialect } = opened()
    const listening = Object.values(listeningStatements('x')).map(({ sql }) => sql)
    const statements = statementsOf(hasPresence ? dialect : { ...dialect, presence: undefined })
    const called = [...statements.map(({ sql }) => sql), ...listening, 'version()'].flatMap((sql) =>
      [...sql.matchAll(/\b([a-z_]+)\s*\(/g)].map(([, name]) => name!),
    )
    const rows = await open.send(
      "select distinct proname as name from pg_proc where pronamespace = 'pg_catalog'::regnamespace",
    )
    const known = new Set(rows.map(({ name }) => String(name)))
    expect([...new Set(called)].filter((name) => known.has(name)).sort()).toEqual(
      [...new Set(hasPresence ? named : ordinary)].sort(),
    )
  })

  test('without them the statements fail; with rights on them they work again', async () => {
    const { open, refusedOf, dialect, address, role } = opened()
    const who = new URL(address.url).username
    const rows = await open.send(
      `select oid::regprocedure::text as f from pg_proc where pronamespace = 'pg_catalog'::regnamespace and proname in (${named.map((name) => `'${name}'`).join(', ')})`,
    )
    const functions = rows.map(({ f }) => `pg_catalog.${f}`).join(', ')
    await open.send(`revoke execute on function ${functions} from public`)
    expect((await refusedOf(statementsOf(dialect))).length).toBeGreaterThan(5)
    await open.send(`grant execute on function ${functions} to ${who}`)
    expect(await refusedOf(statementsOf(dialect))).toEqual([])
    for (const { sql } of Object.values(listeningStatements(address.tableName))) {
      const values = [...sql.matchAll(/\$\d/g)].map(() => 'x')
      expect(await role.send(sql, values), sql).toBeUndefined()
    }
  })
}

async function connect(family: Backend['family'], url: string): Promise<{ send: SendAs; end(): Promise<void> }> {
  if (family === 'postgres') {
    const client = new pg.Client(url)
    await client.connect()
    return { send: undone((sql, values = []) => client.query(sql, [...values])), end: () => client.end() }
  }
  const connection = await mysql.createConnection(url)
  return {
    // biome-ignore lint/suspicious/noExplicitAny: as mysql2 has it
    send: undone((sql, values) => (values ? connection.execute(sql, values as any[]) : connection.query(sql))),
    end: () => connection.end(),
  }
}

function undone(send: (sql: string, values?: readonly unknown[]) => Promise<unknown>): SendAs {
  return async (sql, values) => {
    await send('begin')
    try {
      await send(sql, values)
      return undefined
    } catch (error) {
      return error
    } finally {
      await send('rollback')
    }
  }
}
