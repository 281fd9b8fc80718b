import Database from 'better-sqlite3'
import {
  CamelCasePlugin,
  CompiledQuery,
  Kysely,
  MysqlDialect,
  PostgresDialect,
  SqliteDialect,
  type Transaction,
} from 'kysely'
import mysql from 'mysql2'
import pg from 'pg'
import { mutatedTransaction } from '../../mutation/mutated-transaction.ts'
import { isSelected } from '../../servers/selection.ts'
import { BACKENDS } from '../backends.ts'
import type { ContractBackend, TableAddress } from '../contract-backend.ts'
import { serverAddress } from '../server-address.ts'
import { mysqlBackend, pgBackend, sqliteBackend } from '../sql-backend.ts'
import { parkTransaction } from './parked-transaction.ts'
import type { TransactionBackend } from './transaction-backend.ts'

/** Kysely's own transactions, with a plugin that would rename our columns, on every selected database. */
export function kyselyTransactionBackends(): TransactionBackend[] {
  const servers = BACKENDS.map(({ name, family, url }) =>
    kyselyTransactionBackend(name, family === 'postgres' ? pgBackend(name, url) : mysqlBackend(name, url)),
  )
  return [...(isSelected('sqlite') ? [kyselyTransactionBackend('sqlite', sqliteBackend())] : []), ...servers]
}

/** The same on the database of a backend. */
export function kyselyTransactionBackend(name: string, tables: ContractBackend): TransactionBackend {
  const family = tables.family as TransactionBackend['family']
  return {
    name: `${name} (kysely)`,
    family,
    async open() {
      const table = await tables.open()
      const databases = new Set<Kysely<unknown>>()
      return {
        table,
        async begin({ isolation } = {}) {
          const db = openKysely(table.address as TableAddress)
          databases.add(db)
          const builder = isolation ? db.transaction().setIsolationLevel(isolation) : db.transaction()
          const { transaction, commit, rollback } = await parkTransaction<Transaction<unknown>>((callback) =>
            builder.execute(callback),
          )
          const close = async () => {
            databases.delete(db)
            await db.destroy()
          }
          return {
            transaction: mutatedTransaction(transaction, table.address as TableAddress),
            async send(text) {
              const { rows } = await transaction.withoutPlugins().executeQuery(CompiledQuery.raw(text))
              return rows as Record<string, unknown>[]
            },
            commit: () => commit().finally(close),
            rollback: () => rollback().finally(close),
          }
        },
        async close() {
          for (const db of databases) await db.destroy()
          await table.close()
        },
      }
    },
  }
}

/** A Kysely instance with one connection, as another request of the app would have it. */
export function openKysely({ family, url: address }: TableAddress): Kysely<unknown> {
  const { url } = serverAddress(address)
  const plugins = [new CamelCasePlugin()]
  if (family === 'sqlite') {
    return new Kysely({ dialect: new SqliteDialect({ database: new Database(url, { timeout: 0 }) }), plugins })
  }
  if (family === 'mysql') {
    const pool = mysql.createPool({ uri: url, connectionLimit: 1, supportBigNumbers: true, bigNumberStrings: true })
    pool.on('connection', (connection) => connection.on('error', () => {}))
    return new Kysely({ dialect: new MysqlDialect({ pool }), plugins })
  }
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return new Kysely({ dialect: new PostgresDialect({ pool }), plugins })
}
