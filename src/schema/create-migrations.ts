import type { Kysely, RawBuilder } from 'kysely'
import * as locks0001 from '../../migrations/0001_locks.ts'
import * as runRecords0002 from '../../migrations/0002_run_records.ts'
import * as renewals0003 from '../../migrations/0003_renewals.ts'
import { compileStatement } from '../dialects/compile-statement.ts'
import { compilerFor, type DialectName } from '../dialects/compiler.ts'
import { detectDialect } from '../dialects/detect.ts'
import { tableId } from '../dialects/table-id.ts'
import { isSqliteLikely, kyselyExecutor } from '../executors/kysely.ts'
import { checkOptions, invalidOption, resolveTable, type TableOptions } from '../options.ts'
import { isColumnDone } from './collision.ts'

/** One migration, as Kysely's `Migrator` takes it (0.28 and 0.29). */
export interface LockMigration {
  /** Makes the change. Safe to run twice. */
  // biome-ignore lint/suspicious/noExplicitAny: as in Kysely's own Migration
  up(db: Kysely<any>): Promise<void>
  /** Takes it back. */
  // biome-ignore lint/suspicious/noExplicitAny: as in Kysely's own Migration
  down(db: Kysely<any>): Promise<void>
}

/** Options of {@link createMigrations}. */
export interface MigrationsOptions extends TableOptions {
  /**
   * Put before each name. Kysely runs migrations in the order of their names and refuses one that comes before those
   * already run: if yours are called '2026-11-23_users', a prefix such as '2026-11-24_' puts ours behind. Default: ''.
   */
  readonly prefix?: string | undefined
}

type Wording = (dialect: DialectName, table: RawBuilder<unknown>) => readonly RawBuilder<unknown>[]

/** Every migration, in order: its name, and its words for each database. */
const MIGRATIONS: readonly { name: string; up: Wording; down: Wording }[] = [
  {
    name: '0001_verrou_locks',
    up: (dialect, table) => [locks0001.createTable[dialect](table)],
    down: (_dialect, table) => [locks0001.dropTable(table)],
  },
  {
    name: '0002_verrou_run_records',
    up: (dialect, table) => runRecords0002.addColumns[dialect](table),
    down: (dialect, table) => runRecords0002.dropColumns[dialect](table),
  },
  {
    name: '0003_verrou_renewals',
    up: (dialect, table) => renewals0003.addColumns[dialect](table),
    down: (dialect, table) => renewals0003.dropColumns[dialect](table),
  },
]

/**
 * The migrations of the lock table, for your own Kysely `Migrator`: merge them with yours.
 *
 * @throws LockError `E_INVALID_OPTION`
 * @example
 * const migrator = new Migrator({
 *   db,
 *   provider: { getMigrations: async () => ({ ...mine, ...createMigrations({ prefix: '2026-11-24_' }) }) },
 * })
 */
export function createMigrations(options: MigrationsOptions = {}): Record<string, LockMigration> {
  checkOptions('options', options, ['tableName', 'schema', 'prefix'])
  const { prefix = '' } = options
  if (typeof prefix !== 'string') throw invalidOption('prefix', 'a string', prefix)
  const table = tableId(resolveTable(options))
  return Object.fromEntries(
    MIGRATIONS.map(({ name, up, down }) => [
      `${prefix}${name}`,
      { up: (db: Kysely<unknown>) => run(db, up, table), down: (db: Kysely<unknown>) => run(db, down, table) },
    ]),
  )
}

/** The words of all migrations for one database: upwards, which is `sql/<dialect>/schema.sql`, or back. */
export function schemaStatements(
  dialect: DialectName,
  options: TableOptions = {},
  direction: 'up' | 'down' = 'up',
): string[] {
  const table = tableId(resolveTable(options))
  const inOrder = direction === 'up' ? MIGRATIONS : MIGRATIONS.toReversed()
  return inOrder.flatMap((migration) => textsOf(dialect, migration[direction](dialect, table)))
}

async function run(db: Kysely<unknown>, wording: Wording, table: RawBuilder<unknown>): Promise<void> {
  const executor = kyselyExecutor(db)
  const dialect = await detectDialect((sql) => executor.execute({ sql }, []), isSqliteLikely(db))
  for (const sql of textsOf(dialect, wording(dialect, table))) {
    await executor.execute({ sql }, []).catch((error: unknown) => {
      if (!isColumnDone(error)) throw error
    })
  }
}

function textsOf(dialect: DialectName, wordings: readonly RawBuilder<unknown>[]): string[] {
  return wordings.map((wording) => compileStatement(compilerFor(dialect), 'migration', wording).sql)
}
