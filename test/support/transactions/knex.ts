import knexOf, { type Knex } from 'knex'
import { fromKnex } from '../../../src/adapters/knex.ts'
import { isSelected } from '../../servers/selection.ts'
import { ONE_OF_EACH } from '../backends.ts'
import type { ContractBackend } from '../contract-backend.ts'
import { mysqlBackend, pgBackend, sqliteBackend } from '../sql-backend.ts'
import { parkTransaction } from './parked-transaction.ts'
import type { BeginOptions, BegunTransaction, TransactionBackend } from './transaction-backend.ts'

/** Knex on every database: Postgres through `pg`, MySQL and MariaDB through `mysql2`, SQLite through `better-sqlite3`. */
export function knexBackends(): TransactionBackend[] {
  const servers = ONE_OF_EACH.map(({ name, family, url }) =>
    knexBackend(`${name} (knex)`, family, family === 'postgres' ? pgBackend(name, url) : mysqlBackend(name, url)),
  )
  return [...(isSelected('sqlite') ? [knexBackend('sqlite (knex)', 'sqlite', sqliteBackend())] : []), ...servers]
}

function knexBackend(name: string, family: TransactionBackend['family'], table: ContractBackend): TransactionBackend {
  return {
    name,
    family,
    async open() {
      const openTable = await table.open()
      const knex = openKnex(family, openTable.address?.url ?? '')
      const open = new Set<BegunTransaction>()
      return {
        table: openTable,
        async begin({ isolation }: BeginOptions = {}) {
          const config = isolation === undefined ? {} : { isolationLevel: isolation }
          const parked = await parkTransaction<Knex.Transaction>((callback) => knex.transaction(callback, config))
          const begun: BegunTransaction = {
            transaction: fromKnex(parked.transaction),
            send: async (text) => rowsOf(await parked.transaction.raw(text)),
            commit: () => parked.commit().finally(() => open.delete(begun)),
            rollback: () => parked.rollback().finally(() => open.delete(begun)),
          }
          open.add(begun)
          return begun
        },
        async close() {
          for (const begun of open) await begun.rollback().catch(() => {})
          await knex.destroy()
          await openTable.close()
        },
      }
    },
  }
}

/** An instance with many connections: on SQLite, too, where Knex has one by default. */
export function openKnex(family: TransactionBackend['family'], url: string, config: Knex.Config = {}): Knex {
  const pool = { min: 0, max: 20 }
  if (family === 'postgres') return knexOf({ client: 'pg', connection: url, pool, ...config })
  if (family === 'mysql') return knexOf({ client: 'mysql2', connection: url, pool, ...config })
  return knexOf({
    client: 'better-sqlite3',
    connection: { filename: url },
    useNullAsDefault: true,
    pool: {
      ...pool,
      afterCreate(database: { pragma(text: string): unknown }, done: (error: null, database: unknown) => void) {
        database.pragma('busy_timeout = 0')
        done(null, database)
      },
    },
    ...config,
  })
}

/** `pg`: a result. `mysql2`: rows or a header, and columns. SQLite: rows, or a number of changes. */
// biome-ignore lint/suspicious/noExplicitAny: each driver's own
function rowsOf(result: any): Record<string, unknown>[] {
  const rows = Array.isArray(result) && Array.isArray(result[1] ?? result[0]) ? result[0] : (result.rows ?? result)
  return Array.isArray(rows) ? rows : []
}
