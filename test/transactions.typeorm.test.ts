import type { DataSource } from 'typeorm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fromTypeOrm } from '../src/adapters/typeorm.ts'
import { transactionContract } from './suite/transactions/transaction-contract.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { oneTableBackendOfEach } from './support/contract-backends.ts'
import { adapterContract } from './support/transactions/adapter-contract.ts'
import { typeOrmBackends, typeOrmSource } from './support/transactions/typeorm.ts'

for (const backend of typeOrmBackends()) {
  adapterContract(backend)
  transactionContract(backend)
}

for (const backend of oneTableBackendOfEach()) {
  const server = backend.name.replace(/ \(.*/, '')

  describe(`${server}: fromTypeOrm`, () => {
    let table: OpenBackend
    let source: DataSource
    beforeAll(async () => {
      table = await backend.open()
      source = await typeOrmSource(server, table.address!.url).initialize()
    })
    afterAll(async () => {
      await source.destroy()
      await table.close()
    })

    const one = { sql: 'select 1 as one', returnsRows: true }

    test('takes the manager of a transaction', async () => {
      const { rows } = await source.transaction((manager) => fromTypeOrm(manager).execute(one, []))
      expect(rows.map((row) => Number(row.one))).toEqual([1])
    })

    test('takes a query runner and its manager, each time with a handle of its own', async () => {
      const runner = source.createQueryRunner()
      await runner.startTransaction()
      const taken = [fromTypeOrm(runner), fromTypeOrm(runner.manager)]
      await runner.manager.transaction(async (nested) => {
        taken.push(fromTypeOrm(nested))
      })
      for (const transaction of taken) expect((await transaction.execute(one, [])).rows).toHaveLength(1)
      expect(new Set(taken.map(({ handle }) => handle)).size).toBe(3)
      await runner.rollbackTransaction()
      await runner.release()
    })

    test('refuses what is in no transaction', async () => {
      const runner = source.createQueryRunner()
      const refusal = /^`transaction` must be a transaction of TypeORM: the `manager` of `dataSource.transaction`, or/
      for (const given of [source.manager, runner, runner.manager]) expect(() => fromTypeOrm(given)).toThrow(refusal)
      for (const given of [source, undefined, null, 5, 'typeorm', {}, { isTransactionActive: true }]) {
        expect(() => fromTypeOrm(given as never)).toThrow(refusal)
      }
      await runner.release()
    })

    test('sends nothing after the end of the transaction', async () => {
      const runner = source.createQueryRunner()
      await runner.startTransaction()
      const transaction = fromTypeOrm(runner)
      await runner.commitTransaction()
      const clear = { sql: `delete from ${table.address!.tableName}`, returnsRows: false }
      await table.send(insertionFor(table))
      await expect(transaction.execute(clear, [])).rejects.toMatchObject({ code: 'E_TRANSACTION_REQUIRED' })
      expect(await table.rows()).toHaveLength(1)
      await runner.release()
    })
  })
}

function insertionFor({ address }: OpenBackend): string {
  const key = address!.family === 'mysql' ? '`key`' : 'key'
  return `insert into ${address!.tableName} (${key}, token, expires_at, acquired_at) values ('a', 1, 1, 1)`
}

test.runIf(typeOrmBackends().length === 0)('nothing to test: no database of this file is selected', () => {})
