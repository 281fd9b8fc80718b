import { createConnection } from 'mysql2/promise'
import { Client } from 'pg'

const CONNECT_TIMEOUT_MS = 5_000

/** Connects, asks for the version, disconnects: the proof that a server can be used. */
export async function serverVersion(url: string): Promise<string> {
  return url.startsWith('postgres') ? await postgresVersion(url) : await mysqlVersion(url)
}

async function postgresVersion(url: string): Promise<string> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  // A connection that breaks after connect() is reported as an event, which would end the process if nobody listened.
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query('show server_version')
    return rows[0].server_version
  } finally {
    await client.end()
  }
}

async function mysqlVersion(url: string): Promise<string> {
  const connection = await createConnection({ uri: url, connectTimeout: CONNECT_TIMEOUT_MS })
  connection.on('error', () => {})
  try {
    const [rows] = await connection.query<import('mysql2').RowDataPacket[]>('select version() as version')
    return rows[0]?.version
  } finally {
    await connection.end()
  }
}
