import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import { backoffMs } from '../backoff.ts'
import { resolveTable, type TableOptions } from '../options.ts'
import { isAlreadyThere, isInterrupted } from './collision.ts'
import { createMigrations } from './create-migrations.ts'

type Migrator = InstanceType<typeof import('kysely/migration').Migrator>
type MigrationResultSet = Awaited<ReturnType<Migrator['migrateToLatest']>>

/** Twenty processes that start at once are done in far less, also on SQLite, where they take turns. */
const LONGEST_MS = 30_000

/** Kysely's `Migrator` for the lock table, with a bookkeeping table of its own (`verrou_locks_migrations`). */
export async function lockMigrator(db: Kysely<unknown>, options: TableOptions): Promise<Migrator> {
  const { tableName, schema } = resolveTable(options)
  const bookkeeping = bookkeepingName(tableName)
  const Migrator = await loadMigrator()
  return new Migrator({
    db: db.withoutPlugins(),
    provider: { getMigrations: async () => createMigrations(options) },
    migrationTableName: `${bookkeeping}_migrations`,
    migrationLockTableName: `${bookkeeping}_migrations_lock`,
    ...(schema === undefined ? {} : { migrationTableSchema: schema }),
  })
}

/**
 * Migrates, again and again while others are at the same work: Kysely's lock does not keep SQLite processes apart, nor those that
 * create the bookkeeping table itself.
 *
 * @returns what was done by the time that it went well
 * @throws the error of the database driver
 */
export async function migrateInTurn(migrate: () => Promise<MigrationResultSet>) {
  const startMs = performance.now()
  for (let repeats = 1; ; repeats++) {
    const { error, results = [] } = await migrate()
    if (!error) return results
    const isPassing = isAlreadyThere(error) || isInterrupted(error)
    if (!isPassing || performance.now() - startMs > LONGEST_MS) throw error
    await new Promise((resolve) => setTimeout(resolve, backoffMs(repeats, 20, 500, Math.random)))
  }
}

/** Postgres cuts names off at 63 bytes, which would make the bookkeeping tables one, or the lock table itself. */
const LONGEST_NAME_BYTES = 63 - '_migrations_lock'.length

/** What the names of the bookkeeping tables begin with. */
export function bookkeepingName(tableName: string): string {
  if (Buffer.byteLength(tableName) <= LONGEST_NAME_BYTES) return tableName
  return `verrou_${createHash('sha256').update(tableName).digest('hex').slice(0, 16)}`
}

/** Kysely 0.29 has moved its Migrator to a subpath that 0.28 does not have. */
async function loadMigrator(): Promise<typeof import('kysely/migration').Migrator> {
  const { Migrator } = await import('kysely/migration').catch(() => import('kysely'))
  return Migrator as unknown as typeof import('kysely/migration').Migrator
}
