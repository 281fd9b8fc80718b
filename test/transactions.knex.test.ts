import type { Knex } from 'knex'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { fromKnex } from '../src/adapters/knex.ts'
import { transactionContract } from './suite/transactions/transaction-contract.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { tableBackends } from './support/contract-backends.ts'
import { adapterContract } from './support/transactions/adapter-contract.ts'
import { knexBackends, openKnex } from './support/transactions/knex.ts'

for (const backend of knexBackends()) {
  adapterContract(backend)
  transactionContract(backend)
}

for (const backend of tableBackends()) {
  describe(`${backend.name.replace(/ \(.*/, '')}: fromKnex`, () => {
    let table: OpenBackend
    let knex: Knex
    beforeAll(async () => {
      table = await backend.open()
      knex = openKnex(table.address!.family, table.address!.url)
    })
    afterAll(async () => {
      await knex.destroy()
      await table.close()
    })

    const one = { sql: 'select 1 as one_thing', returnsRows: true }
    const oneRow = [{ one_thing: 1 }]

    test('takes a transaction by callback, by hand, of a provider, and a nested one', async () => {
      await knex.transaction(async (trx) => {
        expect(fromKnex(trx).handle).toBe(trx)
        expect((await fromKnex(trx).execute(one, [])).rows).toEqual(oneRow)
        await trx.transaction(async (nested) => {
          expect((await fromKnex(nested).execute(one, [])).rows).toEqual(oneRow)
        })
      })
      for (const trx of [await knex.transaction(), await knex.transactionProvider()()]) {
        const { rows } = await fromKnex(trx).execute(one, [])
        await trx.rollback()
        expect(rows).toEqual(oneRow)
      }
    })

    test('refuses what is no transaction', () => {
      // @ts-expect-error `knex` is no transaction, which the compiler says, too
      const refused = () => fromKnex(knex)
      expect(refused).toThrow(
        /^`transaction` must be a transaction of Knex: the `trx` of `knex.transaction`, not `knex`; got a function$/,
      )
      for (const given of [knex('t'), knex.client, () => {}, undefined, null, 5, 'knex', {}]) {
        expect(() => fromKnex(given as never)).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION' }))
      }
    })

    test('sends nothing after the end', async () => {
      const trx = await knex.transaction()
      const transaction = fromKnex(trx)
      await trx.commit()
      const sent: unknown[] = []
      knex.on('query', (query) => sent.push(query))
      await expect(transaction.execute(one, [])).rejects.toMatchObject({ code: 'E_TRANSACTION_REQUIRED' })
      knex.removeAllListeners('query')
      expect(sent).toEqual([])
    })

    test('keeps answers from what the caller does to results and names', async () => {
      const { family, url } = table.address!
      const upperCase = (row: object) =>
        Object.fromEntries(Object.entries(row).map(([name, value]) => [name.toUpperCase(), value]))
      const renaming = openKnex(family, url, {
        wrapIdentifier: (name, wrap) => wrap(`x_${name}`),
        postProcessResponse: (result) => (Array.isArray(result) ? result.map(upperCase) : upperCase(result)),
      })
      onTestFinished(() => renaming.destroy())
      await renaming.transaction(async (trx) => {
        expect((await fromKnex(trx).execute(one, [])).rows).toEqual(oneRow)
      })
    })

    test('sends as Knex does: its listeners hear of the statement and its values', async () => {
      const heard: unknown[] = []
      const sql = { sql: `select ${backend.family === 'postgres' ? '$1::text' : '?'} as text`, returnsRows: true }
      await knex.transaction(async (trx) => {
        trx.on('query', ({ sql: text, bindings }) => heard.push([text, bindings]))
        await fromKnex(trx).execute(sql, ['a'])
      })
      expect(heard).toContainEqual([sql.sql, ['a']])
    })
  })
}

test.runIf(knexBackends().length === 0)('nothing to test: no database of this file is selected', () => {})
