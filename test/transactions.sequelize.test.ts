import { type Options, Sequelize, Transaction } from 'sequelize'
import { describe, expect, onTestFinished, test } from 'vitest'
import { fromSequelize } from '../src/adapters/sequelize.ts'
import { transactionContract } from './suite/transactions/transaction-contract.ts'
import { ONE_OF_EACH } from './support/backends.ts'
import { adapterContract } from './support/transactions/adapter-contract.ts'
import { sequelizeBackends } from './support/transactions/sequelize.ts'

for (const backend of sequelizeBackends()) {
  adapterContract(backend)
  transactionContract(backend)
}

describe('fromSequelize refuses', () => {
  test('SQLite', () => {
    const sequelize = new Sequelize({ dialect: 'sqlite', dialectModule: {} })
    const refused = () => fromSequelize(new Transaction(sequelize, {}))
    expect(refused).toThrow('on SQLite, Sequelize throws away the rows of `insert … returning`')
    expect(refused).toThrow(expect.objectContaining({ code: 'E_UNSUPPORTED' }))
  })
})

describe.each(ONE_OF_EACH)('$name: fromSequelize', ({ family, url }) => {
  function open(options: Options = {}): Sequelize {
    const sequelize = new Sequelize(url, { dialect: family, logging: false, ...options })
    onTestFinished(() => sequelize.close())
    return sequelize
  }

  const one = { sql: 'select 1 as one', returnsRows: true }
  const [q, placeholder] = family === 'mysql' ? ['`', '?'] : ['"', '$1::int']

  test('takes a transaction by callback, by hand, and a nested one', async () => {
    const sequelize = open()
    await sequelize.transaction(async (transaction) => {
      expect(fromSequelize(transaction).handle).toBe(transaction)
      await sequelize.transaction({ transaction }, async (nested) => {
        expect((await fromSequelize(nested).execute(one, [])).rows).toEqual([{ one: 1 }])
      })
    })
    const transaction = await sequelize.transaction()
    const { rows } = await fromSequelize(transaction).execute(one, [])
    await transaction.rollback()
    expect(rows).toEqual([{ one: 1 }])
  })

  test('refuses what is no transaction', () => {
    const sequelize = open()
    // @ts-expect-error `sequelize` is no transaction, which the compiler says, too
    const refused = () => fromSequelize(sequelize)
    expect(refused).toThrow(
      /^`transaction` must be a transaction of Sequelize: what `sequelize.transaction` returns or/,
    )
    for (const given of [Transaction, undefined, null, 5, 'sequelize', {}, { transaction: {} }]) {
      expect(() => fromSequelize(given as never)).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION' }))
    }
  })

  test('sends nothing after the end', async () => {
    const sent: string[] = []
    const sequelize = open({ logging: (text) => sent.push(text) })
    const transaction = await sequelize.transaction()
    await transaction.commit()
    const before = sent.length
    const late = fromSequelize(transaction).execute(one, [])
    await expect(late).rejects.toMatchObject({ code: 'E_TRANSACTION_REQUIRED' })
    expect(sent).toHaveLength(before)
  })

  test('takes no `$` in the name of a table for a placeholder', async () => {
    const name = `${q}$x-$y$$z-$$$$é$${q}`
    await open().transaction(async (transaction) => {
      const { execute } = fromSequelize(transaction)
      if (family === 'mysql') await execute({ sql: `create temporary table ${name} (id int)`, returnsRows: false }, [])
      else await execute({ sql: `create temporary table ${name} (id int) on commit drop`, returnsRows: true }, [])
      const insert = `insert into ${name} (id) values (${placeholder})${family === 'mysql' ? '' : ' returning id'}`
      expect(await execute({ sql: insert, returnsRows: family !== 'mysql' }, [7])).toMatchObject({ affectedRows: 1 })
      const select = { sql: `select id from ${name} where id = ${placeholder}`, returnsRows: true }
      expect((await execute(select, [7])).rows).toEqual([{ id: 7 }])
    })
  })

  test('repeats nothing, whatever the caller has Sequelize repeat', async () => {
    const sent: string[] = []
    const sequelize = open({ retry: { max: 3, match: [/./] }, logging: (text) => sent.push(text) })
    const wrong = { sql: 'selekt 1', returnsRows: true }
    await expect(
      sequelize.transaction((transaction) => fromSequelize(transaction).execute(wrong, [])),
    ).rejects.toThrow()
    expect(sent.filter((text) => text.includes('selekt'))).toHaveLength(1)
  })

  test('reads answers whatever the caller’s defaults for queries are', async () => {
    const sequelize = open({
      query: { raw: false, nest: true, plain: true, type: 'SELECT' } as never,
      dialectOptions: family === 'postgres' ? { prependSearchPath: true } : {},
    })
    const sql = `select ${placeholder} as "a.b" union all select 5`.replaceAll('"', q)
    const { rows } = await sequelize.transaction((transaction) =>
      fromSequelize(transaction).execute({ sql, returnsRows: true }, [4]),
    )
    expect(rows.map((row) => Number(row['a.b']))).toEqual([4, 5])
  })
})
