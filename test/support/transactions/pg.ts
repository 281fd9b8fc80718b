import pg from 'pg'
import { fromPg } from '../../../src/adapters/pg.ts'
import { BACKENDS } from '../backends.ts'
import { pgBackend } from '../sql-backend.ts'
import type { BegunTransaction, TransactionBackend } from './transaction-backend.ts'

/** node-postgres on every Postgres: clients of a pool, on which `begin` is sent. */
export function pgBackends(): TransactionBackend[] {
  return BACKENDS.filter(({ family }) => family === 'postgres').map(({ name, url }) => pgTransactions(name, url))
}

function pgTransactions(name: string, url: string): TransactionBackend {
  return {
    name: `${name} (pg)`,
    family: 'postgres',
    async open() {
      const table = await pgBackend(name, url).open()
      const pool = new pg.Pool({ connectionString: url, max: 20 })
      pool.on('error', () => {})
      // A client that is out has no listener of the pool's.
      pool.on('connect', (client) => client.on('error', () => {}))
      const open = new Set<BegunTransaction>()
      return {
        table,
        async begin({ isolation } = {}) {
          const client = await pool.connect()
          const end = (how: 'commit' | 'rollback') => async () => {
            open.delete(begun)
            try {
              await client.query(how)
              client.release()
            } catch (error) {
              client.release(true)
              throw error
            }
          }
          const begun: BegunTransaction = {
            transaction: fromPg(client),
            send: async (text) => (await client.query(text)).rows,
            commit: end('commit'),
            rollback: end('rollback'),
          }
          open.add(begun)
          await client.query(isolation === undefined ? 'begin' : `begin isolation level ${isolation}`)
          return begun
        },
        async close() {
          for (const begun of open) await begun.rollback().catch(() => {})
          await pool.end()
          await table.close()
        },
      }
    },
  }
}
