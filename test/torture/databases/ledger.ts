import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { Client } from 'pg'
import type { TortureDatabase } from './torture-database.ts'

const PATIENCE_MS = 3_000
const PAUSE_MS = 20
/** What a commit never takes where nothing is wrong, on a busy machine either. */
const SLOW_MS = 400
const CLIENTS = 3

/** Rows that were acknowledged, to be looked for later. */
export class Ledger {
  readonly #database: TortureDatabase
  readonly #acknowledged: number[] = []
  #next = 1

  constructor(database: TortureDatabase) {
    this.#database = database
  }

  async create(): Promise<void> {
    await send(this.#database.family, this.#database.adminUrl(), 'create table ledger (id integer primary key)')
  }

  /** One more row, on the connection of this worker. */
  async write(worker: number): Promise<void> {
    const id = this.#next++
    await send(this.#database.family, this.#urlOf(worker), `insert into ledger (id) values (${id})`)
    this.#acknowledged.push(id)
  }

  /** Each client can write, soon at the latest: after trouble the first try may still meet some of it. */
  async writeAll(): Promise<void> {
    for (let worker = 0; worker < CLIENTS; worker++) await this.write(worker).catch(() => this.write(worker))
  }

  /** Clients keep writing while something happens. */
  async watch(event: () => Promise<void>): Promise<{ isNoticed: boolean }> {
    let isOver = false
    let isNoticed = false
    const keepWriting = async (worker: number) => {
      for (; !isOver; await sleep(PAUSE_MS)) {
        const startedAt = performance.now()
        await this.write(worker).catch(() => {
          isNoticed = true
        })
        if (performance.now() - startedAt > SLOW_MS) isNoticed = true
      }
    }
    const clients = Array.from({ length: CLIENTS }, (_, worker) => keepWriting(worker))
    try {
      await event()
    } finally {
      isOver = true
      await Promise.all(clients)
    }
    return { isNoticed }
  }

  /** Those that were acknowledged and are not there. */
  async lost(): Promise<number[]> {
    const rows = await send(this.#database.family, this.#database.adminUrl(), 'select id from ledger')
    const there = new Set(rows.map(({ id }) => id))
    return this.#acknowledged.filter((id) => !there.has(id))
  }

  #urlOf(worker: number): string {
    const endpoint = this.#database.endpointOf(worker)
    if (!endpoint) return this.#database.workerUrl()
    const url = new URL(this.#database.workerUrl())
    url.host = `${endpoint.host}:${endpoint.port}`
    return url.href
  }
}

type Rows = readonly { readonly id?: number }[]

/** On a connection of its own. */
async function send(family: TortureDatabase['family'], url: string, sql: string): Promise<Rows> {
  if (family === 'sqlite') return sendSqlite(url, sql)
  return family === 'postgres' ? await sendPostgres(url, sql) : await sendMysql(url, sql)
}

function sendSqlite(path: string, sql: string): Rows {
  const file = new Database(path)
  try {
    const statement = file.prepare<[], { id: number }>(sql)
    if (statement.reader) return statement.all()
    statement.run()
    return []
  } finally {
    file.close()
  }
}

async function sendPostgres(url: string, sql: string): Promise<Rows> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: PATIENCE_MS, query_timeout: PATIENCE_MS })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

async function sendMysql(url: string, sql: string): Promise<Rows> {
  const connection = await createConnection({ uri: url, connectTimeout: PATIENCE_MS })
  connection.on('error', () => {})
  try {
    const [rows] = await connection.query<RowDataPacket[]>({ sql, timeout: PATIENCE_MS })
    return rows as Rows
  } finally {
    connection.destroy()
  }
}
