import { AsyncLocalStorage } from 'node:async_hooks'
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { PrismaMariaDb } from '@prisma/adapter-mariadb'
import { PrismaPg } from '@prisma/adapter-pg'
import { fromPrisma, type PrismaTransactionLike } from '../../../src/adapters/prisma.ts'
import type { OpenBackend } from '../contract-backend.ts'
import { oneTableBackendOfEach } from '../contract-backends.ts'
import { parkTransaction } from './parked-transaction.ts'
import { type PrismaClientLike, prismaClient } from './prisma-client.ts'
import type { BeginOptions, BegunTransaction, OpenTransactions, TransactionBackend } from './transaction-backend.ts'

/** Every database through Prisma. */
export function prismaBackends(): TransactionBackend[] {
  return oneTableBackendOfEach().map((backend) => ({
    name: backend.name.replace(/ \(.*/, ' (prisma)'),
    family: backend.family as TransactionBackend['family'],
    open: async () => openTransactions(await backend.open()),
  }))
}

const LEVELS = {
  'read committed': 'ReadCommitted',
  'repeatable read': 'RepeatableRead',
  serializable: 'Serializable',
}

/** MySQL takes no savepoints as prepared statements, which is what Prisma's adapter sends unless told otherwise. */
const asText = new AsyncLocalStorage<true>()
const protocol = {
  get useTextProtocol() {
    return asText.getStore() === true
  },
}

/** A client of a database: for SQLite, one connection to the file. */
export async function openPrisma(family: TransactionBackend['family'], url: string): Promise<PrismaClientLike> {
  if (family === 'sqlite') {
    const PrismaClient = await prismaClient('sqlite')
    return new PrismaClient({ adapter: new PrismaBetterSqlite3({ url, timeout: 0 }) })
  }
  if (family === 'postgres') {
    const PrismaClient = await prismaClient('postgresql')
    return new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max: 30 }) })
  }
  const PrismaClient = await prismaClient('mysql')
  const { hostname, port, username, password, pathname } = new URL(url)
  const config = {
    host: hostname,
    port: Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: pathname.slice(1),
    connectionLimit: 30,
    allowPublicKeyRetrieval: true,
  }
  return new PrismaClient({ adapter: new PrismaMariaDb(config, protocol) })
}

async function openTransactions(table: OpenBackend): Promise<OpenTransactions> {
  const { family, url } = table.address!
  const shared = family === 'sqlite' ? undefined : await openPrisma(family, url)
  const unfinished = new Set<() => Promise<void>>()

  async function begin({ isolation }: BeginOptions = {}): Promise<BegunTransaction> {
    // SQLite: a client has one connection, and so one transaction at a time.
    const prisma = shared ?? (await openPrisma(family, url))
    const disconnect = async () => {
      if (prisma !== shared) await prisma.$disconnect()
    }
    // Prisma rolls back after 5 seconds otherwise, which a slow machine can need for a test.
    const options = { timeout: 120_000, maxWait: 20_000, ...(isolation && { isolationLevel: LEVELS[isolation] }) }
    const parked = await parkTransaction<PrismaTransactionLike>((callback) =>
      prisma.$transaction(callback, options),
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
      transaction: fromPrisma(parked.transaction),
      // Also takes statements without rows.
      send: (text) => asText.run(true, async () => await parked.transaction.$queryRawUnsafe(text)),
      commit: () => end(parked.commit),
      rollback,
    }
  }

  return {
    table,
    begin,
    async close() {
      for (const rollback of unfinished) await rollback().catch(() => {})
      await shared?.$disconnect().catch(() => {})
      await table.close()
    },
  }
}
