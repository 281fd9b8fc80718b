import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CallerTransaction, TransactionAnswer, TransactionStatement } from '../../../src/caller-transaction.ts'
import { chainOf } from '../../../src/dialects/error-codes.ts'
import type { BegunTransaction, OpenTransactions, TransactionBackend } from './transaction-backend.ts'

/** Text that every placeholder syntax could take for its own, and that has to be quoted and encoded right. */
const AWKWARD = `it's "a" \\ \`b\` ? ?? :x @y $1 %s {0} é 😀`

/** About the year 2041 in microseconds; the last digits are lost in anything but an exact number. */
const BIG = 2 ** 51 - 1

/** How the driver itself says it, by code or number. */
const CODES = {
  sqlite: { duplicate: 'SQLITE_CONSTRAINT_PRIMARYKEY', syntax: 'SQLITE_ERROR' },
  postgres: { duplicate: '23505', syntax: '42601' },
  mysql: { duplicate: 1062, syntax: 1064 },
}

/** What every adapter must do with statements, values, answers and errors; the locks come on top. */
export function adapterContract(backend: TransactionBackend): void {
  const { family } = backend
  let open: OpenTransactions

  /** On a transaction that is rolled back in any case. */
  async function within<Result>(use: (begun: BegunTransaction, sql: Statements) => Promise<Result>): Promise<Result> {
    const begun = await open.begin()
    try {
      return await use(begun, statementsFor(family, open.table.address!.tableName))
    } finally {
      await begun.rollback().catch(() => {})
    }
  }

  describe(`${backend.name}: the adapter`, () => {
    beforeAll(async () => {
      open = await backend.open()
    })
    afterAll(() => open.close())

    test('values arrive as they are, whatever they look like', async () => {
      const row = await within(async ({ transaction }, sql) => {
        await transaction.execute(sql.insert, [keyFor(family, AWKWARD), 'owner', BIG, null, AWKWARD])
        const { rows } = await transaction.execute(sql.select, [keyFor(family, AWKWARD), 5])
        return rows[0]
      })
      expect({ ...row, key: Buffer.from(row?.key as string).toString(), token: Number(row?.token) }).toEqual({
        key: AWKWARD,
        token: BIG,
        attempt: null,
        held_by: AWKWARD,
      })
    })

    test('an answer tells of rows, of affected rows, and of MySQL’s insert id, exactly', async () => {
      await within(async ({ transaction }, sql) => {
        const inserted: TransactionAnswer = await transaction.execute(sql.insert, [
          keyFor(family, 'a'),
          'owner',
          BIG,
          null,
          null,
        ])
        const updated = await transaction.execute(sql.update, [keyFor(family, 'a')])
        const none = await transaction.execute(sql.update, [keyFor(family, 'nobody')])

        expect([inserted, updated, none].map(({ affectedRows }) => affectedRows)).toEqual([1, 1, 0])
        if (family === 'mysql') {
          expect([inserted, updated, none].map(({ insertId }) => insertId)).toEqual([BIG, BIG + 1, 0])
          expect([inserted, updated, none].map(({ rows }) => rows)).toEqual([[], [], []])
        } else {
          expect(inserted.rows.map(({ token }) => Number(token))).toEqual([BIG])
          expect(none.rows).toEqual([])
        }
        expect([true, undefined]).toContain(updated.isInTransaction)
      })
    })

    test('the values that were given are not changed', async () => {
      const values = Object.freeze([keyFor(family, 'a'), 'owner', BIG, null, null])
      await within(({ transaction }, sql) => transaction.execute(Object.freeze(sql.insert), values))
      expect(values).toEqual([keyFor(family, 'a'), 'owner', BIG, null, null])
    })

    test('the driver’s error is found by its code', async () => {
      const duplicate = await within(async ({ transaction }, sql) => {
        const values = [keyFor(family, 'a'), 'owner', BIG, null, null]
        await transaction.execute(sql.insert, values)
        return await errorOf(transaction, sql.insert, values)
      })
      const syntax = await within(({ transaction }) => errorOf(transaction, { sql: 'selekt 1', returnsRows: true }, []))

      expect(codesOf(duplicate)).toContain(CODES[family].duplicate)
      expect(codesOf(syntax)).toContain(CODES[family].syntax)
      // The outermost code decides what an error means: that of the library must not come first.
      expect(codesOf(duplicate)[0]).toBe(CODES[family].duplicate)
    })

    // In Postgres, the transaction has failed then.
    test.skipIf(family === 'postgres')('a statement with an error undoes nothing by itself', async () => {
      const { affectedRows } = await within(async ({ transaction }, sql) => {
        await transaction.execute(sql.insert, [keyFor(family, 'a'), 'owner', BIG, null, null])
        await errorOf(transaction, { sql: 'selekt 1', returnsRows: true }, [])
        return await transaction.execute(sql.update, [keyFor(family, 'a')])
      })
      expect(affectedRows).toBe(1)
    })

    test('what it sends is committed and rolled back with the transaction', async () => {
      const sql = statementsFor(family, open.table.address!.tableName)
      const kept = await open.begin()
      await kept.transaction.execute(sql.insert, [keyFor(family, 'kept'), 'owner', BIG, null, null])
      await kept.commit()
      await within(({ transaction }) =>
        transaction.execute(sql.insert, [keyFor(family, 'undone'), 'owner', BIG, null, null]),
      )
      const rows = await open.table.rows()
      expect(rows.map(({ token }) => token)).toEqual([BIG])
    })
  })
}

interface Statements {
  readonly insert: TransactionStatement
  readonly update: TransactionStatement
  readonly select: TransactionStatement
}

/** Like those of the dialects: casts in Postgres, `last_insert_id` in MySQL, `returning` elsewhere. */
function statementsFor(family: TransactionBackend['family'], table: string): Statements {
  if (family === 'postgres') {
    return {
      insert: {
        sql: `insert into "${table}" as locks (key, owner, token, attempt, held_by, expires_at, acquired_at)
values ($1::text, $2::text, $3::bigint, $4::text, $5::text, 1, 1) returning locks.token`,
        returnsRows: true,
      },
      update: {
        sql: `update "${table}" set token = token + 1 where key = $1::text returning true as is_done`,
        returnsRows: true,
      },
      select: {
        sql: `select key, token, attempt, held_by from "${table}" where key = $1::text and $2::bigint > 1`,
        returnsRows: true,
      },
    }
  }
  if (family === 'sqlite') {
    return {
      insert: {
        sql: `insert into "${table}" (key, owner, token, attempt, held_by, expires_at, acquired_at)
values (?, ?, ?, ?, ?, 1, 1) returning token`,
        returnsRows: true,
      },
      update: { sql: `update "${table}" set token = token + 1 where key = ?`, returnsRows: false },
      select: { sql: `select key, token, attempt, held_by from "${table}" where key = ? and ? > 1`, returnsRows: true },
    }
  }
  return {
    insert: {
      sql: `insert into \`${table}\` (\`key\`, owner, token, attempt, held_by, expires_at, acquired_at)
values (?, ?, last_insert_id(cast(? as signed)), ?, ?, 1, 1)`,
      returnsRows: false,
    },
    update: {
      sql: `update \`${table}\` set token = last_insert_id(token + 1) where \`key\` = ?`,
      returnsRows: false,
    },
    select: {
      sql: `select \`key\`, token, attempt, held_by from \`${table}\` where \`key\` = ? and ? > 1`,
      returnsRows: true,
    },
  }
}

function keyFor(family: TransactionBackend['family'], key: string): string | Buffer {
  return family === 'mysql' ? Buffer.from(key) : key
}

async function errorOf(transaction: CallerTransaction, statement: TransactionStatement, values: readonly unknown[]) {
  return await transaction.execute(statement, values).then(
    () => undefined,
    (error: unknown) => error,
  )
}

/** What the dialects look at, outermost first: MySQL’s numbers, the codes of the others. */
function codesOf(error: unknown): unknown[] {
  return [...chainOf(error)].map(({ errno, code }) => errno ?? code)
}
