import postgres from 'postgres'
import { fromPostgresJs } from '../../../src/adapters/postgres-js.ts'
import type { CallerTransaction } from '../../../src/caller-transaction.ts'
import { ONE_OF_EACH } from '../backends.ts'
import { pgBackend } from '../sql-backend.ts'
import { parkTransaction } from './parked-transaction.ts'
import type { BegunTransaction, TransactionBackend } from './transaction-backend.ts'

/** postgres.js on every Postgres. */
export function postgresJsBackends(): TransactionBackend[] {
  return ONE_OF_EACH.filter(({ family }) => family === 'postgres').map(({ name, url }) => postgresJsBackend(name, url))
}

function postgresJsBackend(name: string, url: string): TransactionBackend {
  return {
    name: `${name} (postgres.js)`,
    family: 'postgres',
    async open() {
      const table = await pgBackend(name, url).open()
      const outside = postgres(url, { max: 20, onnotice() {} })
      const open = new Set<BegunTransaction>()
      return {
        table,
        async begin({ isolation } = {}) {
          const options = isolation === undefined ? '' : `isolation level ${isolation}`
          let ended: { readonly error: unknown } | undefined
          const parked = await parkTransaction<postgres.TransactionSql>((callback) =>
            outside.begin(options, callback).catch((error: unknown) => {
              ended = { error }
              throw error
            }),
          )
          // When the connection is lost, `begin` is over before its callback is. What is sent after that, the end of the
          // callback included, postgres.js 3.4 writes to no socket, and dies of it.
          const unlessEnded = async <Result>(use: () => Promise<Result>) => {
            if (ended) throw ended.error
            return await use()
          }
          const end = (how: 'commit' | 'rollback') => {
            open.delete(begun)
            return unlessEnded(() => parked[how]())
          }
          const transaction = fromPostgresJs(parked.transaction)
          const begun: BegunTransaction = {
            transaction: {
              ...transaction,
              execute: (statement, values) => unlessEnded(() => transaction.execute(statement, values)),
            } satisfies CallerTransaction,
            send: async (text) => [...(await parked.transaction.unsafe(text))],
            commit: () => end('commit'),
            rollback: () => end('rollback'),
          }
          open.add(begun)
          return begun
        },
        async close() {
          for (const begun of open) await begun.rollback().catch(() => {})
          await outside.end({ timeout: 5 })
          await table.close()
        },
      }
    },
  }
}
