import '../node-version.ts'
import { createMigrations, type LockMigration } from './create-migrations.ts'

export type { TableOptions } from '../options.ts'
export { createMigrations, type LockMigration, type MigrationsOptions } from './create-migrations.ts'
export { type MigrateOptions, migrateToLatest } from './migrate.ts'

/**
 * The migrations for the table `verrou_locks`: what {@link createMigrations} returns without options.
 *
 * @example
 * const provider = { getMigrations: async () => ({ ...mine, ...migrations }) }
 */
export const migrations: Record<string, LockMigration> = createMigrations()
