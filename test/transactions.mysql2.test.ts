import mysqlCallback from 'mysql2'
import mysql from 'mysql2/promise'
import { describe, expect, onTestFinished, test } from 'vitest'
import { fromMysql2 } from '../src/adapters/mysql2.ts'
import { transactionContract } from './suite/transactions/transaction-contract.ts'
import { BACKENDS } from './support/backends.ts'
import { adapterContract } from './support/transactions/adapter-contract.ts'
import { mysql2Backends } from './support/transactions/mysql2.ts'

for (const backend of mysql2Backends()) {
  adapterContract(backend)
  transactionContract(backend)
}

describe('fromMysql2 refuses', () => {
  test('a pool, and what is no connection at all', async () => {
    const pool = mysql.createPool({ host: '127.0.0.1' })
    onTestFinished(() => pool.end())
    for (const given of [pool, undefined, null, 5, 'mysql://', {}, { execute() {} }]) {
      expect(() => fromMysql2(given as never)).toThrow(/^`connection` must be a connection of mysql2\/promise on which/)
    }
  })

  test('a callback pool', () => {
    const pool = mysqlCallback.createPool({ host: '127.0.0.1' })
    onTestFinished(() => pool.end())
    expect(() => fromMysql2(pool as never)).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION' }))
  })
})

describe.each(BACKENDS.filter(({ family }) => family === 'mysql'))('$name: fromMysql2', ({ url }) => {
  test('takes a connection without a pool, and a callback connection as a promise', async () => {
    const connection = await mysql.createConnection(url)
    const callback = mysqlCallback.createConnection(url)
    onTestFinished(async () => {
      await connection.end()
      callback.end()
    })
    expect(() => fromMysql2(callback as never)).toThrow('of a callback connection, `connection.promise()`')
    for (const one of [connection, callback.promise()]) {
      const { rows } = await fromMysql2(one).execute({ sql: 'select 1 as one', returnsRows: true }, [])
      expect(rows).toEqual([{ one: 1 }])
    }
  })

  test('tells whether a transaction is open', async () => {
    const connection = await mysql.createConnection(url)
    onTestFinished(() => connection.end())
    const transaction = fromMysql2(connection)
    const count = () => transaction.execute({ sql: 'do last_insert_id(5)', returnsRows: false }, [])
    expect(await count()).toMatchObject({ isInTransaction: false })
    await connection.beginTransaction()
    expect(await count()).toMatchObject({ isInTransaction: true })
    await connection.commit()
    expect(await count()).toMatchObject({ isInTransaction: false })
  })

  test('reads answers of a connection with options of its own', async () => {
    const connection = await mysql.createConnection({
      uri: url,
      rowsAsArray: true,
      nestTables: true,
      namedPlaceholders: true,
      bigNumberStrings: true,
      supportBigNumbers: true,
    })
    onTestFinished(() => connection.end())
    await connection.query('create temporary table numbers (id bigint)')
    const transaction = fromMysql2(connection)
    const insert = { sql: 'insert into numbers values (last_insert_id(?))', returnsRows: false }
    expect(await transaction.execute(insert, [1_800_000_000_000_123])).toMatchObject({
      affectedRows: 1,
      insertId: 1_800_000_000_000_123,
    })
    const { rows } = await transaction.execute({ sql: 'select id, ? as text from numbers', returnsRows: true }, [':a'])
    expect(rows).toEqual([{ id: '1800000000000123', text: ':a' }])
  })

  test('has a handle of its own for each transaction of the connection', async () => {
    const connection = await mysql.createConnection(url)
    onTestFinished(() => connection.end())
    expect(fromMysql2(connection).handle).not.toBe(fromMysql2(connection).handle)
  })
})
