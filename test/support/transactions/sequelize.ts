import { Sequelize, Transaction } from 'sequelize'
import { fromSequelize } from '../../../src/adapters/sequelize.ts'
import { ONE_OF_EACH } from '../backends.ts'
import type { ContractBackend } from '../contract-backend.ts'
import { mysqlBackend, pgBackend } from '../sql-backend.ts'
import { parkTransaction } from './parked-transaction.ts'
import type { BegunTransaction, IsolationLevel, TransactionBackend } from './transaction-backend.ts'

/** Sequelize on every server: Postgres through `pg`, MySQL and MariaDB through `mysql2`. */
export function sequelizeBackends(): TransactionBackend[] {
  return ONE_OF_EACH.map(({ name, family, url }) =>
    sequelizeBackend(
      `${name} (sequelize)`,
      family,
      family === 'postgres' ? pgBackend(name, url) : mysqlBackend(name, url),
    ),
  )
}

const LEVELS: Readonly<Record<IsolationLevel, Transaction.ISOLATION_LEVELS>> = {
  'read committed': Transaction.ISOLATION_LEVELS.READ_COMMITTED,
  'repeatable read': Transaction.ISOLATION_LEVELS.REPEATABLE_READ,
  serializable: Transaction.ISOLATION_LEVELS.SERIALIZABLE,
}

function sequelizeBackend(name: string, family: 'postgres' | 'mysql', table: ContractBackend): TransactionBackend {
  return {
    name,
    family,
    async open() {
      const openTable = await table.open()
      const sequelize = new Sequelize(openTable.address?.url ?? '', {
        dialect: family,
        logging: false,
        pool: { max: 20 },
      })
      const open = new Set<BegunTransaction>()
      return {
        table: openTable,
        async begin({ isolation } = {}) {
          const options = isolation === undefined ? {} : { isolationLevel: LEVELS[isolation] }
          const parked = await parkTransaction<Transaction>((callback) => sequelize.transaction(options, callback))
          const { transaction } = parked
          const begun: BegunTransaction = {
            transaction: fromSequelize(transaction),
            async send(text) {
              const [rows] = await sequelize.query(text, { transaction, raw: true })
              return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : []
            },
            commit: () => parked.commit().finally(() => open.delete(begun)),
            rollback: () => parked.rollback().finally(() => open.delete(begun)),
          }
          open.add(begun)
          return begun
        },
        async close() {
          for (const begun of open) await begun.rollback().catch(() => {})
          await sequelize.close()
          await openTable.close()
        },
      }
    },
  }
}
