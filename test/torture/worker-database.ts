import type { Kysely } from 'kysely'
import type { LockStore } from '../../src/index.ts'
import type { BrokenBuild } from './broken/broken-build.ts'
import type { WithinTransaction } from './work/work-kind.ts'
import type { WorkerSettings } from './worker-settings.ts'

/** What a worker has opened: its locks' store, and its own way to the database, which goes through the same proxy. */
export interface WorkerDatabase {
  readonly store: LockStore
  // biome-ignore lint/suspicious/noExplicitAny: the torture's own tables are written as text
  readonly db: Kysely<any>
  /** A transaction as the app would open it, on the driver or through Kysely. `beforeCommit` is called when nothing is left but the commit. */
  transact(work: (within: WithinTransaction) => Promise<void>, beforeCommit: () => void): Promise<void>
  close(): Promise<void>
}

/** Loads only the driver that it needs: many processes start at once. */
export async function openWorkerDatabase(
  settings: WorkerSettings,
  broken: BrokenBuild | undefined,
): Promise<WorkerDatabase> {
  switch (settings.family) {
    case 'postgres':
      return (await import('./worker-postgres.ts')).openWorkerPostgres(settings, broken)
    case 'mysql':
      return (await import('./worker-mysql.ts')).openWorkerMysql(settings, broken)
    case 'sqlite':
      return (await import('./worker-sqlite.ts')).openWorkerSqlite(settings, broken)
  }
}
