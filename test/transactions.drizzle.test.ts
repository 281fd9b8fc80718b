import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { sql } from 'drizzle-orm'
import { drizzle as drizzleSqlite } from 'drizzle-orm/better-sqlite3'
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import mysql from 'mysql2/promise'
import pg from 'pg'
import postgres from 'postgres'
import { describe, expect, onTestFinished, test } from 'vitest'
import { fromDrizzle } from '../src/adapters/drizzle.ts'
import { isSelected } from './servers/selection.ts'
import { transactionContract } from './suite/transactions/transaction-contract.ts'
import { ONE_OF_EACH } from './support/backends.ts'
import { adapterContract } from './support/transactions/adapter-contract.ts'
import { drizzleBackends } from './support/transactions/drizzle.ts'

for (const backend of drizzleBackends('begin')) transactionContract(backend)
for (const backend of drizzleBackends('begin immediate')) adapterContract(backend)

const one = { sql: 'select 1 as one', returnsRows: true }
const refusal =
  /^`transaction` must be a transaction of Drizzle: the `tx` of `db.transaction`, not `db`; on better-sqlite3/

describe('fromDrizzle refuses', () => {
  test('the db of a server', () => {
    const [onPg, onMysql, onPostgresJs] = [drizzlePg.mock(), drizzleMysql.mock(), drizzlePostgresJs.mock()]
    // @ts-expect-error it is no transaction, which the compiler says, too
    expect(() => fromDrizzle(onPg)).toThrow(refusal)
    // @ts-expect-error the same
    expect(() => fromDrizzle(onMysql)).toThrow(refusal)
    // @ts-expect-error the same
    expect(() => fromDrizzle(onPostgresJs)).toThrow(refusal)
  })

  test.each([undefined, null, 5, 'db', {}, drizzlePg])('%o', (given) => {
    expect(() => fromDrizzle(given as never)).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION' }))
  })
})

describe.each(ONE_OF_EACH.filter(({ family }) => family === 'postgres'))('$name: fromDrizzle', ({ url }) => {
  test('takes a transaction and a nested one, each as its handle', async () => {
    const pool = new pg.Pool({ connectionString: url })
    onTestFinished(() => pool.end())
    await drizzlePg(pool).transaction(async (tx) => {
      expect(fromDrizzle(tx).handle).toBe(tx)
      await tx.transaction(async (nested) => {
        expect((await fromDrizzle(nested).execute(one, [])).rows).toEqual([{ one: 1 }])
      })
    })
  })

  test('lets the logger of the caller see the statement, and the error of the driver come out as it is', async () => {
    const pool = new pg.Pool({ connectionString: url })
    onTestFinished(() => pool.end())
    const logged: unknown[] = []
    const logger = { logQuery: (text: string, values: unknown[]) => void logged.push([text, values]) }
    const begun = drizzlePg(pool, { logger }).transaction((tx) =>
      fromDrizzle(tx).execute({ sql: 'selekt $1::text', returnsRows: true }, ['a']),
    )
    await expect(begun).rejects.toBeInstanceOf(pg.DatabaseError)
    await expect(begun).rejects.toMatchObject({ message: 'syntax error at or near "selekt"' })
    expect(logged).toContainEqual(['selekt $1::text', ['a']])
  })

  test('sends nothing on a connection that was lost: postgres.js would end the process', async () => {
    const client = postgres(url, { max: 1, onnotice() {} })
    onTestFinished(() => client.end({ timeout: 5 }))
    const begun = drizzlePostgresJs(client).transaction(async (tx) => {
      const transaction = fromDrizzle(tx)
      const ending = { sql: 'select pg_terminate_backend(pg_backend_pid())', returnsRows: true }
      const lost = await transaction.execute(ending, []).catch((error: unknown) => error)
      expect(lost).toBeInstanceOf(Error)
      await sleep(50)
      await expect(transaction.execute(one, [])).rejects.toBe(lost)
      // Its end would be sent, too.
      await new Promise(() => {})
    })
    await expect(begun).rejects.toThrow()
  })
})

describe.each(ONE_OF_EACH.filter(({ family }) => family === 'mysql'))('$name: fromDrizzle', ({ url }) => {
  test('reads the exact insert id of a pool with options of its own', async () => {
    const pool = mysql.createPool({ uri: url, supportBigNumbers: true, bigNumberStrings: true })
    onTestFinished(() => pool.end())
    await drizzleMysql(pool).transaction(async (tx) => {
      const { execute } = fromDrizzle(tx)
      await execute({ sql: 'create temporary table numbers (id bigint)', returnsRows: false }, [])
      const insert = { sql: 'insert into numbers values (last_insert_id(?))', returnsRows: false }
      const insertId = 1_800_000_000_000_123
      expect(await execute(insert, [insertId])).toEqual({ rows: [], affectedRows: 1, insertId, isInTransaction: true })
      expect((await execute(one, [])).rows).toHaveLength(1)
    })
  })
})

describe.runIf(isSelected('sqlite'))('sqlite: fromDrizzle', () => {
  function open() {
    const db = drizzleSqlite(new Database(':memory:'))
    onTestFinished(() => void db.$client.close())
    db.run(sql`create table numbers (id integer)`)
    return db
  }

  const insert = { sql: 'insert into numbers values (?) returning id', returnsRows: true }

  test('refuses the tx of a synchronous transaction, which would be over before the lock is there', () => {
    // @ts-expect-error the compiler says so, too
    open().transaction((tx) => expect(() => fromDrizzle(tx)).toThrow(refusal))
  })

  test('sends nothing while no transaction is open', async () => {
    const db = open()
    const transaction = fromDrizzle(db)
    const required = { code: 'E_TRANSACTION_REQUIRED', message: 'no transaction is open on the `db` of Drizzle' }
    await expect(transaction.execute(insert, [1])).rejects.toMatchObject(required)
    db.run(sql`begin immediate`)
    expect(await transaction.execute(insert, [2])).toMatchObject({ rows: [{ id: 2 }], isInTransaction: true })
    db.run(sql`commit`)
    await expect(transaction.execute(insert, [3])).rejects.toMatchObject(required)
    expect(db.all(sql`select id from numbers`)).toEqual([{ id: 2 }])
  })

  test('takes one transaction of a db for another than the next', () => {
    const db = open()
    expect(fromDrizzle(db).handle).not.toBe(fromDrizzle(db).handle)
  })
})
