import { randomBytes } from 'node:crypto'
import { createConnection } from 'mysql2/promise'
import { Client } from 'pg'
import type { Backend } from './backends.ts'

/** A database of its own on a test server, for what uses names that others use, too. */
export interface ThrowawayDatabase {
  readonly url: string
  drop(): Promise<void>
}

/** Creates an empty database. The server's user must be allowed to. */
export async function createDatabase({ family, url }: Backend): Promise<ThrowawayDatabase> {
  const name = `verrou_docs_${randomBytes(4).toString('hex')}`
  const send = (sql: string) => (family === 'postgres' ? sendPostgres(url, sql) : sendMysql(url, sql))
  await send(`create database ${name}`)
  const ownUrl = new URL(url)
  ownUrl.pathname = `/${name}`
  return { url: ownUrl.href, drop: () => send(`drop database ${name}${family === 'postgres' ? ' with (force)' : ''}`) }
}

/** Sends one or several statements. */
export async function sendPostgres(url: string, sql: string): Promise<void> {
  const client = new Client(url)
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** Sends one or several statements. */
export async function sendMysql(url: string, sql: string): Promise<void> {
  const connection = await createConnection({ uri: url, multipleStatements: true })
  try {
    await connection.query(sql)
  } finally {
    await connection.end()
  }
}
