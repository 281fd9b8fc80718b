import { DataSource, type DataSourceOptions, type EntityManager } from 'typeorm'
import { fromTypeOrm } from '../../../src/adapters/typeorm.ts'
import type { OpenBackend } from '../contract-backend.ts'
import { oneTableBackendOfEach } from '../contract-backends.ts'
import { parkTransaction } from './parked-transaction.ts'
import type { BeginOptions, BegunTransaction, OpenTransactions, TransactionBackend } from './transaction-backend.ts'

/** Every database through TypeORM. */
export function typeOrmBackends(): TransactionBackend[] {
  return oneTableBackendOfEach().map((backend) => {
    const server = backend.name.replace(/ \(.*/, '')
    return {
      name: `${server} (typeorm)`,
      family: backend.family as TransactionBackend['family'],
      open: async () => openTransactions(await backend.open(), server),
    }
  })
}

/** A data source on a database: for SQLite, one connection to the file. */
export function typeOrmSource(server: string, url: string): DataSource {
  return new DataSource(optionsFor(server, url))
}

function optionsFor(server: string, url: string): DataSourceOptions {
  if (server === 'sqlite') return { type: 'better-sqlite3', database: url, timeout: 0 }
  if (server.startsWith('postgres')) return { type: 'postgres', url, poolSize: 30 }
  return { type: server === 'mariadb' ? 'mariadb' : 'mysql', url, poolSize: 30 }
}

async function openTransactions(table: OpenBackend, server: string): Promise<OpenTransactions> {
  const { family, url } = table.address!
  const connect = () => typeOrmSource(server, url).initialize()
  const shared = family === 'sqlite' ? undefined : await connect()
  const unfinished = new Set<() => Promise<void>>()

  async function begin({ isolation }: BeginOptions = {}): Promise<BegunTransaction> {
    // SQLite: a data source has one connection, and so one transaction at a time.
    const source = shared ?? (await connect())
    const disconnect = async () => {
      if (source !== shared) await source.destroy()
    }
    const level = isolation?.toUpperCase() as 'READ COMMITTED' | undefined
    const parked = await parkTransaction<EntityManager>((callback) =>
      level ? source.transaction(level, callback) : source.transaction(callback),
    ).catch(async (error) => {
      await disconnect()
      throw error
    })
    const end = async (how: () => Promise<void>) => {
      unfinished.delete(rollback)
      await how().finally(disconnect)
    }
    const rollback = () => end(parked.rollback)
    unfinished.add(rollback)
    return {
      transaction: fromTypeOrm(parked.transaction),
      async send(text) {
        const { records = [] } = await parked.transaction.queryRunner!.query(text, [], true)
        return records
      },
      commit: () => end(parked.commit),
      rollback,
    }
  }

  return {
    table,
    begin,
    async close() {
      for (const rollback of unfinished) await rollback().catch(() => {})
      await shared?.destroy().catch(() => {})
      await table.close()
    },
  }
}
