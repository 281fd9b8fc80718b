import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import { backoffMs } from '../backoff.ts'
import { checkOptions, invalidOption, resolveTable, type TableOptions } from '../options.ts'
import { isAlreadyThere, isInterrupted } from './collision.ts'
import { createMigrations } from './create-migrations.ts'

/** Options of {@link migrateToLatest}. */
export type MigrateOptions = TableOptions

/** Twenty processes that start at once are done in far less, also on SQLite, where they take turns. */
const LONGEST_MS = 30_000

/**
 * Creates the lock table, or brings it up to date, with Kysely's `Migrator` and a bookkeeping table of its own
 * (`verrou_locks_migrations`). Safe to call twice, and from twenty processes at once.
 *
 * @param db any Kysely instance that may create tables; not a transaction
 * @throws LockError `E_INVALID_OPTION`; the error of the database driver
 * @example
 * await migrateToLatest(db)
 */
// biome-ignore lint/suspicious/noExplicitAny: whatever tables the caller's database has
export async function migrateToLatest(db: Kysely<any>, options: MigrateOptions = {}): Promise<void> {
  if (typeof (db as { withoutPlugins?: unknown } | null)?.withoutPlugins !== 'function') {
    throw invalidOption('db', 'a Kysely instance', db)
  }
  checkOptions('options', options, ['tableName', 'schema'])
  const { tableName, schema } = resolveTable(options)
  const bookkeeping = bookkeepingName(tableName)
  const Migrator = await loadMigrator()
  const migrator = new Migrator({
    db: db.withoutPlugins(),
    provider: { getMigrations: async () => createMigrations(options) },
    migrationTableName: `${bookkeeping}_migrations`,
    migrationLockTableName: `${bookkeeping}_migrations_lock`,
    ...(schema === undefined ? {} : { migrationTableSchema: schema }),
  })

  const startMs = performance.now()
  for (let repeats = 1; ; repeats++) {
    const { error } = await migrator.migrateToLatest()
    if (!error) return
    // Kysely's lock does not keep SQLite processes apart, nor those that create the bookkeeping table itself.
    const isPassing = isAlreadyThere(error) || isInterrupted(error)
    if (!isPassing || performance.now() - startMs > LONGEST_MS) throw error
    await new Promise((resolve) => setTimeout(resolve, backoffMs(repeats, 20, 500, Math.random)))
  }
}

/** Postgres cuts names off at 63 bytes, which would make the bookkeeping tables one, or the lock table itself. */
const LONGEST_NAME_BYTES = 63 - '_migrations_lock'.length

function bookkeepingName(tableName: string): string {
  if (Buffer.byteLength(tableName) <= LONGEST_NAME_BYTES) return tableName
  return `verrou_${createHash('sha256').update(tableName).digest('hex').slice(0, 16)}`
}

/** Kysely 0.29 has moved its Migrator to a subpath that 0.28 does not have. */
async function loadMigrator(): Promise<typeof import('kysely/migration').Migrator> {
  const { Migrator } = await import('kysely/migration').catch(() => import('kysely'))
  return Migrator as unknown as typeof import('kysely/migration').Migrator
}
