import pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { fromPg } from '../src/adapters/pg.ts'
import { transactionContract } from './suite/transactions/transaction-contract.ts'
import { BACKENDS } from './support/backends.ts'
import { pgBackend } from './support/sql-backend.ts'
import { adapterContract } from './support/transactions/adapter-contract.ts'
import { pgBackends } from './support/transactions/pg.ts'

for (const backend of pgBackends()) {
  adapterContract(backend)
  transactionContract(backend)
}

describe('fromPg refuses', () => {
  test('a pool, and what is no client at all', async () => {
    const pool = new pg.Pool()
    onTestFinished(() => pool.end())
    // @ts-expect-error a pool is no client, which the compiler says, too
    const refused = () => fromPg(pool)
    expect(refused).toThrow(
      /^`client` must be a Client or PoolClient of pg on which you have sent `begin`, not a Pool; got an object$/,
    )
    for (const given of [pg, undefined, null, 5, 'postgres://', {}, { query: 5 }]) {
      expect(() => fromPg(given as never)).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION' }))
    }
  })
})

describe.each(BACKENDS.filter(({ family }) => family === 'postgres'))('$name: fromPg', ({ name, url }) => {
  async function connect(): Promise<pg.Client> {
    const client = new pg.Client(url)
    await client.connect()
    onTestFinished(() => client.end())
    return client
  }

  const one = { sql: 'select 1 as one', returnsRows: true }
  const required = { code: 'E_TRANSACTION_REQUIRED', message: 'no transaction is open on the connection of pg' }

  test('sends nothing while no transaction is open', async () => {
    const client = await connect()
    const transaction = fromPg(client)
    await expect(transaction.execute(one, [])).rejects.toMatchObject(required)
    await client.query('begin')
    expect(await transaction.execute(one, [])).toMatchObject({ rows: [{ one: 1 }], isInTransaction: true })
    await client.query('commit')
    await expect(transaction.execute(one, [])).rejects.toMatchObject(required)
  })

  test('a failed transaction is still one, until it is rolled back', async () => {
    const client = await connect()
    await client.query('begin')
    const transaction = fromPg(client)
    await expect(transaction.execute({ sql: 'selekt 1', returnsRows: true }, [])).rejects.toMatchObject({
      code: '42601',
    })
    await expect(transaction.execute(one, [])).rejects.toMatchObject({ code: '25P02' })
    await client.query('rollback')
    await expect(transaction.execute(one, [])).rejects.toMatchObject(required)
  })

  test('works with a pg that does not tell whether a transaction is open', async () => {
    const client = await connect()
    await client.query('begin')
    const older = { query: (query: { text: string; values: unknown[] }) => client.query(query) }
    expect((await fromPg(older).execute(one, [])).isInTransaction).toBeUndefined()
    await client.query('rollback')
  })

  test('what one transaction of a client has locked does not count in the next', async () => {
    const table = await pgBackend(name, url).open()
    onTestFinished(() => table.close())
    const locks = table.factory()
    const client = await connect()
    await client.query('begin')
    await locks.within(fromPg(client)).lockUntilCommit('b')
    await client.query('commit')

    const holder = locks.createLock('a')
    await holder.acquire()
    await client.query('begin')
    const waiting = locks.within(fromPg(client)).lockUntilCommit('a', { timeout: 100 })
    expect(await waiting).toBe(false)
    await client.query('commit')
  })
})
