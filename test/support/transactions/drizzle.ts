import Database from 'better-sqlite3'
import { sql } from 'drizzle-orm'
import { drizzle as drizzleSqlite } from 'drizzle-orm/better-sqlite3'
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import mysql from 'mysql2/promise'
import pg from 'pg'
import postgres from 'postgres'
import { type DrizzleTransactionLike, fromDrizzle } from '../../../src/adapters/drizzle.ts'
import type { CallerTransaction } from '../../../src/caller-transaction.ts'
import { isSelected } from '../../servers/selection.ts'
import { ONE_OF_EACH } from '../backends.ts'
import type { ContractBackend } from '../contract-backend.ts'
import { mysqlBackend, pgBackend, sqliteBackend } from '../sql-backend.ts'
import { parkTransaction } from './parked-transaction.ts'
import type { BeginOptions, BegunTransaction, TransactionBackend } from './transaction-backend.ts'

/**
 * Drizzle on every database, on Postgres through both drivers that are much used.
 *
 * @param how on SQLite. `begin immediate` keeps every other writer of the file out from the start, as its users want it;
 * the contract is about transactions that do so from their first write.
 */
export function drizzleBackends(how: 'begin' | 'begin immediate' = 'begin'): TransactionBackend[] {
  const servers = ONE_OF_EACH.flatMap(({ name, family, url }) =>
    family === 'mysql'
      ? [drizzleBackend(`${name} (drizzle)`, family, mysqlBackend(name, url), onMysql)]
      : [
          drizzleBackend(`${name} (drizzle)`, family, pgBackend(name, url), onPg),
          drizzleBackend(`${name} (drizzle on postgres.js)`, family, pgBackend(name, url), onPostgresJs),
        ],
  )
  const sqlite = () => drizzleBackend('sqlite (drizzle)', 'sqlite', sqliteBackend(), (path) => onSqlite(path, how))
  return [...(isSelected('sqlite') ? [sqlite()] : []), ...servers]
}

interface Opened {
  begin(options: BeginOptions): Promise<BegunTransaction>
  close(): Promise<unknown>
}

function drizzleBackend(
  name: string,
  family: TransactionBackend['family'],
  table: ContractBackend,
  connect: (url: string) => Opened,
): TransactionBackend {
  return {
    name,
    family,
    async open() {
      const openTable = await table.open()
      const opened = connect(openTable.address?.url ?? '')
      const open = new Set<BegunTransaction>()
      return {
        table: openTable,
        async begin(options = {}) {
          const begun = await opened.begin(options)
          const tracked: BegunTransaction = {
            ...begun,
            commit: () => begun.commit().finally(() => open.delete(tracked)),
            rollback: () => begun.rollback().finally(() => open.delete(tracked)),
          }
          open.add(tracked)
          return tracked
        },
        async close() {
          for (const begun of open) await begun.rollback().catch(() => {})
          await opened.close()
          await openTable.close()
        },
      }
    },
  }
}

function onPg(url: string): Opened {
  const pool = new pg.Pool({ connectionString: url, max: 20 })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  const db = drizzlePg(pool)
  return {
    begin: ({ isolation }) =>
      begin(
        (callback) => db.transaction(callback, isolation && { isolationLevel: isolation }),
        (result) => result.rows,
      ),
    close: () => pool.end(),
  }
}

function onPostgresJs(url: string): Opened {
  const client = postgres(url, { max: 20, onnotice() {} })
  const db = drizzlePostgresJs(client)
  return {
    begin: ({ isolation }) =>
      begin(
        (callback) => db.transaction(callback, isolation && { isolationLevel: isolation }),
        (result) => [...result],
      ),
    close: () => client.end({ timeout: 5 }),
  }
}

function onMysql(url: string): Opened {
  const pool = mysql.createPool({ uri: url, connectionLimit: 20 })
  const db = drizzleMysql(pool)
  return {
    begin: ({ isolation }) =>
      begin(
        (callback) => db.transaction(callback, isolation && { isolationLevel: isolation }),
        ([rows]) => (Array.isArray(rows) ? rows : []),
      ),
    close: () => pool.end().catch(() => {}),
  }
}

async function begin<Transaction extends DrizzleTransactionLike>(
  run: (callback: (transaction: Transaction) => Promise<void>) => Promise<unknown>,
  // biome-ignore lint/suspicious/noExplicitAny: each driver's own
  rowsOf: (result: any) => Record<string, unknown>[],
): Promise<BegunTransaction> {
  let ended: { readonly error: unknown } | undefined
  const parked = await parkTransaction<Transaction>((callback) =>
    run(callback).catch((error: unknown) => {
      ended = { error }
      throw error
    }),
  )
  // With postgres.js, a transaction whose connection is lost is over before its callback is. What is sent after that, the
  // end of the callback included, postgres.js 3.4 writes to no socket, and dies of it.
  const unlessEnded = async <Result>(use: () => Promise<Result>) => {
    if (ended) throw ended.error
    return await use()
  }
  const transaction = fromDrizzle(parked.transaction)
  return {
    transaction: {
      ...transaction,
      execute: (statement, values) => unlessEnded(() => transaction.execute(statement, values)),
    } satisfies CallerTransaction,
    send: async (text) => rowsOf(await parked.transaction.execute(sql.raw(text))),
    commit: () => unlessEnded(() => parked.commit()),
    rollback: () => unlessEnded(() => parked.rollback()),
  }
}

/** Each transaction on a database of its own: what `db.transaction` calls back cannot wait. */
function onSqlite(path: string, how: string): Opened {
  return {
    async begin() {
      const db = drizzleSqlite(new Database(path, { timeout: 0 }))
      const end = (last: string) => async () => {
        try {
          db.run(sql.raw(last))
        } finally {
          db.$client.close()
        }
      }
      try {
        db.run(sql.raw(how))
      } catch (error) {
        db.$client.close()
        throw error
      }
      return {
        transaction: fromDrizzle(db),
        async send(text) {
          if (db.$client.prepare(text).reader) return db.all(sql.raw(text))
          db.run(sql.raw(text))
          return []
        },
        commit: end('commit'),
        rollback: end('rollback'),
      }
    },
    close: async () => {},
  }
}
