import { sql } from 'kysely'
import { detectDialect } from '../dialects/detect.ts'
import { isSqliteLikely, kyselyExecutor } from '../executors/kysely.ts'
import { LockFactory, type LockFactoryOptions } from '../index.ts'
import type { TableOptions } from '../options.ts'
import { migrateToLatest } from '../schema/migrate.ts'
import type { Connection, OpenDatabase } from './connection/connection.ts'
import { databaseAddress } from './connection/database-address.ts'
import { findKyselyConfig, openKyselyConfig } from './connection/kysely-config.ts'
import { openMysql } from './connection/open-mysql.ts'
import { openPostgres } from './connection/open-postgres.ts'
import { openEmbedded, openSqlite } from './connection/open-sqlite.ts'
import { unreachable } from './connection/unreachable.ts'
import { type DatabaseOptions, tableOptionsOf } from './database-command.ts'
import { printNote } from './output/print-note.ts'

export type { Connection } from './connection/connection.ts'

/** How to connect, beside what the command line says. */
export interface ConnectOptions extends DatabaseOptions {
  /** The command makes and changes the table itself: an SQLite file may be missing, and the embedded one is left as it is. */
  readonly isMigrating?: boolean
}

/**
 * Connects to the database of `--url`, of `DATABASE_URL`, of `kysely.config`, or to the embedded file, in this order; and proves that it
 * answers. Loads no driver but the one that is needed.
 *
 * @throws CliError; the error of the database driver
 * @example
 * await using connection = await connect(command.optsWithGlobals())
 * const locks = connection.openLocks()
 */
export async function connect(options: ConnectOptions = {}): Promise<Connection> {
  const tableOptions = tableOptionsOf(options)
  const { database, isEmbedded } = await open(options)
  const factories: LockFactory[] = []
  const close = async () => {
    await Promise.all(factories.map((factory) => factory.close()))
    await database.close()
  }
  try {
    const dialect = await reach(database)
    if (isEmbedded && !options.isMigrating) await migrateToLatest(database.db, tableOptions)
    return {
      db: database.db,
      dialect,
      url: database.url,
      isEmbedded,
      tableOptions,
      pool: database.pool,
      openLocks(lockOptions?: LockFactoryOptions, table: TableOptions = tableOptions) {
        const factory = new LockFactory(database.lockStore(table), lockOptions)
        factories.push(factory)
        return factory
      },
      close,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await database.close().catch(() => {})
    throw error
  }
}

async function open(options: ConnectOptions): Promise<{ database: OpenDatabase; isEmbedded: boolean }> {
  const isMigrating = options.isMigrating ?? false
  if (options.url !== undefined) {
    return { database: await openAddress('--url', options.url, isMigrating), isEmbedded: false }
  }
  const { DATABASE_URL } = process.env
  if (DATABASE_URL) {
    return { database: await openAddress('DATABASE_URL', DATABASE_URL, isMigrating), isEmbedded: false }
  }
  const config = findKyselyConfig()
  if (config !== undefined) return { database: await openKyselyConfig(config), isEmbedded: false }
  const database = await openEmbedded()
  if (database.isNew) printNote('using a new file, ./verrou.db; --url or DATABASE_URL name a database')
  return { database, isEmbedded: true }
}

function openAddress(source: string, given: string, mayCreate: boolean): Promise<OpenDatabase> {
  const address = databaseAddress(source, given)
  if (address.kind === 'sqlite') return openSqlite(address.path, mayCreate)
  const openServer = address.kind === 'postgres' ? openPostgres : openMysql
  return openServer(address.url, address.shownUrl)
}

/** @returns which database it is. @throws CliError when it does not answer */
async function reach({ db, dialect, url }: OpenDatabase) {
  try {
    if (dialect === undefined) {
      const executor = kyselyExecutor(db)
      return await detectDialect((text) => executor.execute({ sql: text }, []), isSqliteLikely(db))
    }
    await sql`select 1`.execute(db)
    return dialect
  } catch (error) {
    throw unreachable(url, error)
  }
}
