import { Socket } from 'node:net'
import mysql from 'mysql2/promise'
import pg from 'pg'

/** One session at a server, of somebody who is not a worker. */
export interface ServerSession {
  query(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** At once, without a goodbye: that could wait for a server that hangs. */
  close(): void
}

const CONNECT_MS = 5_000
/** A nemesis waits for locks of others, but not for ever: the others could be waiting for it. */
const LOCK_WAIT_MS = 2_000
/** A server that hangs must not keep a fault from ending. */
const QUERY_MS = 10_000

/** What another nemesis, or the server's owner, has made the default for sessions counts for workers only. */
const POSTGRES_OPTIONS = [
  'default_transaction_isolation=read\\ committed',
  'default_transaction_read_only=off',
  `lock_timeout=${LOCK_WAIT_MS}`,
  `statement_timeout=${QUERY_MS}`,
  'idle_in_transaction_session_timeout=0',
].map((setting) => `-c ${setting}`)

const MYSQL_OPTIONS = `set session innodb_lock_wait_timeout = ${LOCK_WAIT_MS / 1000}, lock_wait_timeout = ${LOCK_WAIT_MS / 1000}, wait_timeout = 600`

/** too_many_connections; ER_CON_COUNT_ERROR, ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED */
const FULL: ReadonlySet<unknown> = new Set(['53300', 1040, 1203, 1226])

/** Whether a session was refused since there are as many as may be. */
export function isFull(error: unknown): boolean {
  const { code, errno } = error as { code?: unknown; errno?: unknown }
  return FULL.has(code) || FULL.has(errno)
}

/** Opens a session with the user of the URL. */
export function openSession(family: 'postgres' | 'mysql', url: string): Promise<ServerSession> {
  return family === 'postgres' ? openPostgres(url) : openMysql(url)
}

async function openPostgres(url: string): Promise<ServerSession> {
  const socket = new Socket()
  const client = new pg.Client({
    connectionString: url,
    stream: () => socket,
    application_name: 'torture-nemesis',
    options: POSTGRES_OPTIONS.join(' '),
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
  })
  // Else the end of a session that waits for nothing would be the end of the torture.
  client.on('error', () => {})
  const close = () => void socket.destroy()
  try {
    await client.connect()
  } catch (error) {
    close()
    throw error
  }
  return { query: async (sql, values = []) => (await client.query(sql, [...values])).rows, close }
}

async function openMysql(url: string): Promise<ServerSession> {
  const connection = await mysql.createConnection({
    uri: url,
    connectTimeout: CONNECT_MS,
    supportBigNumbers: true,
    bigNumberStrings: true,
  })
  connection.on('error', () => {})
  const session: ServerSession = {
    async query(sql, values = []) {
      const [rows] = await connection.query({ sql, values: [...values], timeout: QUERY_MS })
      return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : []
    },
    close: () => connection.destroy(),
  }
  try {
    await session.query(MYSQL_OPTIONS)
    // As whole words, since the variable has another name on MariaDB.
    await session.query('set session transaction isolation level repeatable read')
  } catch (error) {
    session.close()
    throw error
  }
  return session
}
