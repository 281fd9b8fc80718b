import mysql from 'mysql2/promise'
import { fromMysql2 } from '../../../src/adapters/mysql2.ts'
import type { OpenBackend } from '../contract-backend.ts'
import { tableBackends } from '../contract-backends.ts'
import type { OpenTransactions, TransactionBackend } from './transaction-backend.ts'

/** MySQL and MariaDB through `mysql2/promise`. */
export function mysql2Backends(): TransactionBackend[] {
  const tables = tableBackends().filter(({ family }) => family === 'mysql')
  return tables.map((backend) => ({
    name: backend.name.replace(/ \(.*/, ' (mysql2)'),
    family: 'mysql',
    open: async () => openTransactions(await backend.open()),
  }))
}

function openTransactions(table: OpenBackend): OpenTransactions {
  const pool = mysql.createPool({ uri: table.address!.url, connectionLimit: 30 })
  const unfinished = new Set<() => Promise<void>>()
  return {
    table,
    async begin({ isolation } = {}) {
      const connection = await pool.getConnection()
      if (isolation) await connection.query(`set transaction isolation level ${isolation}`)
      await connection.beginTransaction()
      const end = async (how: () => Promise<void>) => {
        unfinished.delete(rollback)
        await how().finally(() => connection.release())
      }
      const rollback = () => end(() => connection.rollback())
      unfinished.add(rollback)
      return {
        transaction: fromMysql2(connection),
        async send(text) {
          const [rows] = await connection.query(text)
          return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : []
        },
        commit: () => end(() => connection.commit()),
        rollback,
      }
    },
    async close() {
      for (const rollback of unfinished) await rollback().catch(() => {})
      await pool.end().catch(() => {})
      await table.close()
    },
  }
}
