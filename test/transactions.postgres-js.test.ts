import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { describe, expect, onTestFinished, test } from 'vitest'
import { fromPostgresJs } from '../src/adapters/postgres-js.ts'
import { transactionContract } from './suite/transactions/transaction-contract.ts'
import { ONE_OF_EACH } from './support/backends.ts'
import { adapterContract } from './support/transactions/adapter-contract.ts'
import { postgresJsBackends } from './support/transactions/postgres-js.ts'

for (const backend of postgresJsBackends()) {
  adapterContract(backend)
  transactionContract(backend)
}

describe.each(ONE_OF_EACH.filter(({ family }) => family === 'postgres'))('$name: fromPostgresJs', ({ url }) => {
  // biome-ignore lint/complexity/noBannedTypes: as in postgres.js
  function open(options: postgres.Options<{}> = {}): postgres.Sql {
    const sql = postgres(url, { max: 2, onnotice() {}, ...options })
    onTestFinished(() => sql.end({ timeout: 5 }))
    return sql
  }

  const one = { sql: 'select 1 as one_two_three, 2 as four', returnsRows: true }
  const ending = { sql: 'select pg_terminate_backend(pg_backend_pid())', returnsRows: true }
  const oneRow = [{ one_two_three: 1, four: 2 }]

  test('takes the sql of a transaction, and that of a savepoint', async () => {
    await open().begin(async (sql) => {
      expect(fromPostgresJs(sql).handle).toBe(sql)
      await sql.savepoint(async (nested) => {
        expect((await fromPostgresJs(nested).execute(one, [])).rows).toEqual(oneRow)
      })
    })
  })

  test('refuses the sql outside, a reserved one, and what is neither', async () => {
    const sql = open()
    const reserved = await sql.reserve()
    reserved.release()
    // @ts-expect-error outside of a transaction, which the compiler says, too
    const refused = () => fromPostgresJs(sql)
    expect(refused).toThrow(
      /^`transaction` must be a transaction of postgres.js: the `sql` that `sql.begin` calls back with; got a function$/,
    )
    for (const given of [reserved, postgres, undefined, null, 5, 'sql', {}, () => {}]) {
      expect(() => fromPostgresJs(given as never)).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION' }))
    }
  })

  test.each([
    ['camel', postgres.camel],
    ['Pascal', postgres.pascal],
    ['kebab', postgres.kebab],
    ['camel, one way', { column: postgres.toCamel }],
  ])('puts names back that a transform has put into %s case', async (_case, transform) => {
    await open({ transform } as never).begin(async (sql) => {
      expect((await fromPostgresJs(sql).execute(one, [])).rows).toEqual(oneRow)
    })
  })

  test('prepares, unless the caller does not', async () => {
    for (const prepare of [true, false]) {
      await open({ prepare }).begin(async (sql) => {
        await fromPostgresJs(sql).execute({ sql: 'select $1::text as prepared_text', returnsRows: true }, ['a'])
        const rows = await sql`select statement from pg_prepared_statements`
        expect(rows.some(({ statement }) => statement.includes('prepared_text'))).toBe(prepare)
      })
    }
  })

  test('leaves numbers as the caller has them', async () => {
    const statement = { sql: 'select $1::bigint as big', returnsRows: true }
    await open().begin(async (sql) => {
      expect((await fromPostgresJs(sql).execute(statement, [5])).rows).toEqual([{ big: '5' }])
    })
    await open({ types: { bigint: postgres.BigInt } }).begin(async (sql) => {
      expect((await fromPostgresJs(sql).execute(statement, [5])).rows).toEqual([{ big: 5n }])
    })
  })

  test('sends nothing on a connection that was lost: postgres.js would end the process', async () => {
    const begun = open().begin(async (sql) => {
      const transaction = fromPostgresJs(sql)
      const lost = await transaction.execute(ending, []).catch((error: unknown) => error)
      expect(lost).toBeInstanceOf(Error)
      await sleep(50)
      await expect(transaction.execute(one, [])).rejects.toBe(lost)
      // Its end would be sent, too.
      await new Promise(() => {})
    })
    await expect(begun).rejects.toThrow()
  })

  test('sends on after an error of a statement, which the server answers', async () => {
    const begun = open().begin(async (sql) => {
      const transaction = fromPostgresJs(sql)
      await expect(transaction.execute({ sql: 'selekt 1', returnsRows: true }, [])).rejects.toMatchObject({
        code: '42601',
      })
      await expect(transaction.execute(one, [])).rejects.toMatchObject({ code: '25P02' })
    })
    await expect(begun).rejects.toMatchObject({ code: '42601' })
  })
})

test.runIf(postgresJsBackends().length === 0)('nothing to test: no database of this file is selected', () => {})
