import { MariaDbDriver } from '@mikro-orm/mariadb'
import { MySqlDriver } from '@mikro-orm/mysql'
import { PostgreSqlDriver } from '@mikro-orm/postgresql'
import { IsolationLevel, MikroORM, type SqlEntityManager } from '@mikro-orm/sql'
import { SqliteDriver } from '@mikro-orm/sqlite'
import Database from 'better-sqlite3'
import { SqliteDialect } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { fromMikroOrm } from '../../../src/adapters/mikro-orm.ts'
import type { OpenBackend } from '../contract-backend.ts'
import { oneTableBackendOfEach } from '../contract-backends.ts'
import { parkTransaction } from './parked-transaction.ts'
import type { BeginOptions, BegunTransaction, OpenTransactions, TransactionBackend } from './transaction-backend.ts'

/** Every database through MikroORM. */
export function mikroOrmBackends(): TransactionBackend[] {
  return oneTableBackendOfEach().map((backend) => {
    const server = backend.name.replace(/ \(.*/, '')
    return {
      name: `${server} (mikro-orm)`,
      family: backend.family as TransactionBackend['family'],
      open: async () => openTransactions(await backend.open(), server),
    }
  })
}

const LEVELS = {
  'read committed': IsolationLevel.READ_COMMITTED,
  'repeatable read': IsolationLevel.REPEATABLE_READ,
  serializable: IsolationLevel.SERIALIZABLE,
}

const COMMON = { entities: [], discovery: { warnWhenNoEntities: false }, pool: { max: 30 } }

/** An ORM without entities: for SQLite, one connection to the file. */
export async function mikroOrm(server: string, url: string) {
  if (server === 'sqlite') return await sqliteOrm(url)
  if (server.startsWith('postgres')) return await postgresOrm(url)
  if (server === 'mariadb') return await MikroORM.init({ ...COMMON, driver: MariaDbDriver, clientUrl: url })
  return await MikroORM.init({ ...COMMON, driver: MySqlDriver, clientUrl: url })
}

/**
 * On our copy of SQLite, not on the one that MikroORM brings: two in one process do not respect each other's locks.
 * https://www.sqlite.org/howtocorrupt.html#multiple_copies_of_sqlite_linked_into_the_same_application
 */
async function sqliteOrm(path: string) {
  const driverOptions = new SqliteDialect({ database: new Database(path, { timeout: 0 }) })
  return await MikroORM.init({ ...COMMON, driver: SqliteDriver, dbName: path, driverOptions })
}

async function postgresOrm(url: string) {
  const broken = new Set<PoolClient>()
  const onPoolCreated = (pool: Pool) => pool.on('connect', (client) => client.on('error', () => broken.add(client)))
  const orm = await MikroORM.init({
    ...COMMON,
    driver: PostgreSqlDriver,
    clientUrl: url,
    driverOptions: { onPoolCreated },
  })
  const close = orm.close.bind(orm)
  return Object.assign(orm, {
    async close() {
      // MikroORM's Kysely (0.29.6) keeps a connection on which a rollback has failed, and the pool would wait for it.
      for (const client of broken) releaseUnlessReleased(client)
      await close()
    },
  })
}

function releaseUnlessReleased(client: PoolClient): void {
  try {
    client.release(true)
  } catch {}
}

async function openTransactions(table: OpenBackend, server: string): Promise<OpenTransactions> {
  const { family, url } = table.address!
  const shared = family === 'sqlite' ? undefined : await mikroOrm(server, url)
  const unfinished = new Set<() => Promise<void>>()

  async function begin({ isolation }: BeginOptions = {}): Promise<BegunTransaction> {
    // SQLite: an ORM has one connection, and so one transaction at a time.
    const orm = shared ?? (await mikroOrm(server, url))
    const disconnect = async () => {
      if (orm !== shared) await orm.close()
    }
    const options = isolation ? { isolationLevel: LEVELS[isolation] } : {}
    const parked = await parkTransaction<SqlEntityManager>((callback) =>
      (orm.em as SqlEntityManager).transactional(callback, options),
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
      transaction: fromMikroOrm(parked.transaction),
      send: (text) => parked.transaction.execute(text),
      commit: () => end(parked.commit),
      rollback,
    }
  }

  return {
    table,
    begin,
    async close() {
      for (const rollback of unfinished) await rollback().catch(() => {})
      await shared?.close().catch(() => {})
      await table.close()
    },
  }
}
