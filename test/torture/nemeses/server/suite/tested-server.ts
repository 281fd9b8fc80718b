import { randomBytes } from 'node:crypto'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { LockFactory } from '../../../../../src/index.ts'
import { migrateToLatest } from '../../../../../src/schema/migrations.ts'
import type { Backend } from '../../../../support/backends.ts'
import { openMysql } from '../../../../support/open-mysql.ts'
import { openPostgres } from '../../../../support/open-postgres.ts'
import { createDatabase } from '../../../../support/throwaway-database.ts'
import type { Scene } from '../../../fault.ts'
import { openSession, type ServerSession } from '../server-session.ts'

export type Tested = Pick<Backend, 'family' | 'url'>

/** A session as a worker has it. */
export interface WorkerSession {
  query(sql: string): Promise<Record<string, unknown>[]>
  close(): void
}

/** A throwaway database with a table of locks, and a user for workers who may do no more than they need. */
export interface TestedServer {
  readonly family: 'postgres' | 'mysql'
  readonly adminUrl: string
  readonly workerUrl: string
  readonly workerUser: string
  readonly tableName: string
  readonly locks: LockFactory
  readonly admin: ServerSession
  openWorker(): Promise<WorkerSession>
  /** @param adminUrl by another way than straight */
  scene(adminUrl?: string): Scene
  remove(): Promise<void>
}

const TABLE = 'locks'

export async function testedServer(backend: Tested): Promise<TestedServer> {
  const { family } = backend
  const database = await createDatabase(backend as Backend)
  const workerUser = `worker_${randomBytes(4).toString('hex')}`
  const worker = new URL(database.url)
  worker.username = workerUser
  worker.password = 'worker'
  const workerUrl = worker.href

  const opened = family === 'postgres' ? openPostgres(database.url, 2) : openMysql(database.url, 2)
  await migrateToLatest(opened.db, { tableName: TABLE })
  const locks = new LockFactory(opened.store(TABLE))
  const admin = await openSession(family, database.url)
  for (const sql of USERS[family].create(workerUser)) await admin.query(sql)

  return {
    family,
    adminUrl: database.url,
    workerUrl,
    workerUser,
    tableName: TABLE,
    locks,
    admin,
    openWorker: () => (family === 'postgres' ? postgresWorker(workerUrl) : mysqlWorker(workerUrl)),
    scene: (adminUrl = database.url) =>
      ({
        database: { family, adminUrl: () => adminUrl, workerUrl: () => workerUrl },
        workers: [],
        proxies: [],
        tableName: TABLE,
      }) as unknown as Scene,
    async remove() {
      await locks.close()
      await opened.close()
      for (const sql of USERS[family].drop(workerUser)) await admin.query(sql)
      admin.close()
      await database.drop()
    },
  }
}

const USERS = {
  postgres: {
    create: (user: string) => [
      `create role ${user} login password 'worker'`,
      `grant select, insert, update, delete on all tables in schema public to ${user}`,
    ],
    drop: (user: string) => [`drop owned by ${user}`, `drop role ${user}`],
  },
  mysql: {
    create: (user: string) => [
      `create user ${user}@'%' identified by 'worker'`,
      `grant select, insert, update, delete on ${TABLE} to ${user}@'%'`,
    ],
    drop: (user: string) => [`drop user ${user}@'%'`],
  },
}

async function postgresWorker(url: string): Promise<WorkerSession> {
  const client = new pg.Client({ connectionString: url, application_name: 'torture-worker-1' })
  client.on('error', () => {})
  await client.connect()
  return { query: async (sql) => (await client.query(sql)).rows, close: () => void client.end().catch(() => {}) }
}

async function mysqlWorker(url: string): Promise<WorkerSession> {
  const connection = await mysql.createConnection(url)
  connection.on('error', () => {})
  return {
    async query(sql) {
      const [rows] = await connection.query(sql)
      return rows as Record<string, unknown>[]
    },
    close: () => connection.destroy(),
  }
}
