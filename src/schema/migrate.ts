import type { Kysely } from 'kysely'
import { checkOptions, invalidOption, type TableOptions } from '../options.ts'
import { lockMigrator, migrateInTurn } from './lock-migrator.ts'

/** Options of {@link migrateToLatest}. */
export type MigrateOptions = TableOptions

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
  const migrator = await lockMigrator(db, options)
  await migrateInTurn(() => migrator.migrateToLatest())
}
