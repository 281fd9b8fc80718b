import type { EntityManager as CoreManager } from '@mikro-orm/core'
import type { EntityManager as MariaDbManager } from '@mikro-orm/mariadb'
import type { EntityManager as MySqlManager } from '@mikro-orm/mysql'
import type { EntityManager as PostgreSqlManager } from '@mikro-orm/postgresql'
import type { MikroORM, SqlEntityManager } from '@mikro-orm/sql'
import type { EntityManager as SqliteManager } from '@mikro-orm/sqlite'
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import { fromMikroOrm, type MikroOrmEntityManagerLike } from '../src/adapters/mikro-orm.ts'
import { transactionContract } from './suite/transactions/transaction-contract.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { oneTableBackendOfEach } from './support/contract-backends.ts'
import { adapterContract } from './support/transactions/adapter-contract.ts'
import { mikroOrm, mikroOrmBackends } from './support/transactions/mikro-orm.ts'

for (const backend of mikroOrmBackends()) {
  adapterContract(backend)
  transactionContract(backend)
}

for (const backend of oneTableBackendOfEach()) {
  const server = backend.name.replace(/ \(.*/, '')

  describe(`${server}: fromMikroOrm`, () => {
    let table: OpenBackend
    let orm: MikroORM
    beforeAll(async () => {
      table = await backend.open()
      orm = (await mikroOrm(server, table.address!.url)) as never
    })
    afterAll(async () => {
      await orm.close()
      await table.close()
    })

    const one = { sql: 'select 1 as one', returnsRows: true }

    test('takes the manager of a transaction', async () => {
      const { rows } = await orm.em.transactional((em) => fromMikroOrm(em).execute(one, []))
      expect(rows.map((row) => Number(row.one))).toEqual([1])
    })

    test('takes a fork that has begun a transaction, and knows each of its transactions', async () => {
      const em = orm.em.fork()
      const handles = []
      for (const _ of [1, 2]) {
        await em.begin()
        handles.push(fromMikroOrm(em).handle, fromMikroOrm(em).handle)
        await em.rollback()
      }
      expect(handles[0]).toBe(handles[1])
      expect(handles[2]).toBe(handles[3])
      expect(handles[0]).not.toBe(handles[2])
    })

    test('refuses what is in no transaction', () => {
      const refusal =
        /^`em` must be a transaction of MikroORM: the `em` that `em.transactional` calls back with; got an object$/
      for (const given of [orm.em, orm.em.fork(), orm]) expect(() => fromMikroOrm(given as never)).toThrow(refusal)
      for (const given of [undefined, null, 5, 'mikro-orm', { getTransactionContext() {} }]) {
        expect(() => fromMikroOrm(given as never)).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION' }))
      }
    })

    test('sends nothing after the end of the transaction, nor on the next one of the same manager', async () => {
      const em = orm.em.fork()
      const refused = { code: 'E_TRANSACTION_REQUIRED' }
      await em.begin()
      const committed = fromMikroOrm(em)
      await em.commit()
      await expect(committed.execute(one, [])).rejects.toMatchObject(refused)

      await em.begin()
      await expect(committed.execute(one, [])).rejects.toMatchObject(refused)
      const rolledBack = fromMikroOrm(em)
      await em.rollback()
      await expect(rolledBack.execute(one, [])).rejects.toMatchObject(refused)
    })

    // Through SQLite there is one connection.
    test.skipIf(backend.family === 'sqlite')('stays on its transaction where another one is the context', async () => {
      const outer = orm.em.fork()
      await outer.begin()
      const transaction = fromMikroOrm(outer)
      const idSql = backend.family === 'mysql' ? 'select connection_id() as id' : 'select pg_backend_pid() as id'
      const idOf = async (em: SqlEntityManager) => JSON.stringify(await em.execute(idSql))
      const outerId = await idOf(outer)
      await orm.em.transactional(async (inner) => {
        const { rows } = await transaction.execute({ sql: idSql, returnsRows: true }, [])
        expect(JSON.stringify(rows)).toBe(outerId)
        expect(await idOf(inner)).not.toBe(outerId)
      })
      await outer.rollback()
    })
  })
}

test('the types of every package fit', () => {
  expectTypeOf<
    PostgreSqlManager | MySqlManager | MariaDbManager | SqliteManager
  >().toExtend<MikroOrmEntityManagerLike>()
  expectTypeOf<CoreManager>().toExtend<MikroOrmEntityManagerLike>()
})
