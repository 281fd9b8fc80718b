import mysql from 'mysql2/promise'
import pg from 'pg'
import { mysqlStore } from '../../src/drivers/mysql2.ts'
import { pgStore } from '../../src/drivers/pg.ts'
import { LockFactory } from '../../src/index.ts'
import type { TableAddress } from './contract-backend.ts'
import { serverAddress } from './server-address.ts'

/** A transaction on a connection of its own, with locks on it: any transaction that is open while others try. */
export interface OpenTransaction {
  readonly locks: LockFactory
  send(text: string): Promise<unknown>
  end(how: 'commit' | 'rollback'): Promise<void>
}

/** Begins one, on a server. */
export async function openTransaction({ family, url, tableName }: TableAddress): Promise<OpenTransaction> {
  return family === 'mysql' ? onMysql(url, tableName) : onPostgres(url, tableName)
}

async function onMysql(address: string, tableName: string): Promise<OpenTransaction> {
  const { url, portable } = serverAddress(address)
  const connection = await mysql.createConnection(url)
  await connection.beginTransaction()
  // Not for users, who get `within` for this: a connection where a pool belongs.
  const pool = Object.assign(Object.create(connection), { promise: undefined })
  return {
    locks: new LockFactory(mysqlStore({ pool, tableName, portable })),
    send: (text) => connection.query(text),
    async end(how) {
      await connection[how]()
      await connection.end()
    },
  }
}

async function onPostgres(address: string, tableName: string): Promise<OpenTransaction> {
  const { url, portable } = serverAddress(address)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('begin')
  return {
    locks: new LockFactory(pgStore({ pool: client, tableName, portable })),
    send: async (text) => (await client.query(text)).rows[0],
    async end(how) {
      await client.query(how)
      await client.end()
    },
  }
}
