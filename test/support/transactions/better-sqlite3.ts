import Database from 'better-sqlite3'
import { fromBetterSqlite3 } from '../../../src/adapters/better-sqlite3.ts'
import type { OpenBackend } from '../contract-backend.ts'
import { tableBackends } from '../contract-backends.ts'
import type { OpenTransactions, TransactionBackend } from './transaction-backend.ts'

/**
 * SQLite, a file, through `better-sqlite3`.
 *
 * @param how `begin immediate` keeps every other writer of the file out from the start, as its users want it; the
 * contract is about transactions that do so from their first write.
 */
export function betterSqlite3Backends(how: 'begin' | 'begin immediate' = 'begin'): TransactionBackend[] {
  const tables = tableBackends().filter(({ family }) => family === 'sqlite')
  return tables.map((backend) => ({
    name: `sqlite (better-sqlite3, ${how})`,
    family: 'sqlite',
    open: async () => openTransactions(await backend.open(), how),
  }))
}

function openTransactions(table: OpenBackend, how: string): OpenTransactions {
  const open = new Set<Database.Database>()
  return {
    table,
    async begin() {
      const database = new Database(table.address!.url, { timeout: 0 })
      open.add(database)
      const end = async (sql: 'commit' | 'rollback') => {
        try {
          database.exec(sql)
        } finally {
          database.close()
          open.delete(database)
        }
      }
      try {
        database.exec(how)
      } catch (error) {
        database.close()
        throw error
      }
      return {
        transaction: fromBetterSqlite3(database),
        async send(text) {
          const statement = database.prepare(text)
          if (statement.reader) return statement.all() as Record<string, unknown>[]
          statement.run()
          return []
        },
        commit: () => end('commit'),
        rollback: () => end('rollback'),
      }
    },
    async close() {
      for (const database of open) database.close()
      await table.close()
    },
  }
}
