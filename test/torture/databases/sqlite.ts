import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { TortureDatabase } from './torture-database.ts'

/** A file in WAL mode, in a folder of its own. Only its users can be hurt. */
export async function startSqlite(): Promise<TortureDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'verrou-test-sqlite-'))
  const path = join(folder, 'torture.db')
  return {
    name: 'sqlite',
    family: 'sqlite',
    version: `SQLite ${createFile(path)}, a file in WAL mode`,
    adminUrl: () => path,
    workerUrl: () => path,
    endpointOf: () => undefined,
    onMoved: () => {},
    faults: [],
    heal: async () => {},
    stop: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Returns the version. */
function createFile(path: string): string {
  const file = new Database(path)
  try {
    // Stays with the file.
    file.pragma('journal_mode = wal')
    return file.prepare<[], string>('select sqlite_version()').pluck().get() ?? ''
  } finally {
    file.close()
  }
}
