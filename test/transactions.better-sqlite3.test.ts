import Database from 'better-sqlite3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { fromBetterSqlite3 } from '../src/adapters/better-sqlite3.ts'
import { isSelected } from './servers/selection.ts'
import { transactionContract } from './suite/transactions/transaction-contract.ts'
import { adapterContract } from './support/transactions/adapter-contract.ts'
import { betterSqlite3Backends } from './support/transactions/better-sqlite3.ts'

for (const backend of betterSqlite3Backends('begin')) transactionContract(backend)
for (const backend of betterSqlite3Backends('begin immediate')) adapterContract(backend)

describe.runIf(isSelected('sqlite'))('fromBetterSqlite3', () => {
  function openDatabase(): Database.Database {
    const database = new Database(':memory:')
    onTestFinished(() => {
      database.close()
    })
    database.exec('create table numbers (id integer)')
    return database
  }

  const insert = { sql: 'insert into numbers values (?) returning id', returnsRows: true }

  test.each([undefined, null, 5, 'locks.db', {}, { prepare() {} }, Database])('refuses %o', (given) => {
    expect(() => fromBetterSqlite3(given as never)).toThrow(
      /^`database` must be a Database of better-sqlite3 on which you have sent `begin immediate`; got/,
    )
  })

  test('sends nothing while no transaction is open', async () => {
    const database = openDatabase()
    const transaction = fromBetterSqlite3(database)
    const refused = { code: 'E_TRANSACTION_REQUIRED', message: 'no transaction is open on the better-sqlite3 database' }
    await expect(transaction.execute(insert, [1])).rejects.toMatchObject(refused)

    database.exec('begin immediate')
    expect(await transaction.execute(insert, [2])).toMatchObject({ rows: [{ id: 2 }], isInTransaction: true })
    database.exec('commit')
    await expect(transaction.execute(insert, [3])).rejects.toMatchObject(refused)
    expect(database.prepare('select id from numbers').all()).toEqual([{ id: 2 }])
  })

  test('tells that a statement has ended the transaction', async () => {
    const database = openDatabase()
    database.exec('begin immediate')
    const commit = { sql: 'commit', returnsRows: false }
    expect(await fromBetterSqlite3(database).execute(commit, [])).toMatchObject({ isInTransaction: false })
  })

  test('leaves the database as it is set, and its numbers as they come', async () => {
    const database = openDatabase()
    database.defaultSafeIntegers(true)
    database.pragma('busy_timeout = 1234')
    database.exec('begin immediate')
    const { rows } = await fromBetterSqlite3(database).execute(insert, [5])
    expect(rows).toEqual([{ id: 5n }])
    expect(database.pragma('busy_timeout')).toEqual([{ timeout: 1234n }])
    expect(fromBetterSqlite3(database).handle).not.toBe(fromBetterSqlite3(database).handle)
  })
})
