import { join } from 'node:path'
import Database from 'better-sqlite3'
import { startGuardedServer } from '../../servers/guarded-process.ts'
import { createRunFolder } from '../../servers/run-folder.ts'
import type { TortureDatabase } from './torture-database.ts'

/** A file in WAL mode, in a folder of its own. Only its users can be hurt. */
export async function startSqlite(): Promise<TortureDatabase> {
  const folder = await createRunFolder('sqlite', undefined)
  const path = join(folder, 'torture.db')
  const version = createFile(path)
  // There is no server; but the folder must go with this process, as those of servers do.
  const nobody = startGuardedServer({ command: ['tail', '-f', '/dev/null'], folder })
  return {
    name: 'sqlite',
    family: 'sqlite',
    version: `SQLite ${version}, a file in WAL mode`,
    adminUrl: () => path,
    workerUrl: () => path,
    endpointOf: () => undefined,
    onMoved: () => {},
    hasSessionLocks: false,
    faults: [],
    heal: async () => {},
    stop: nobody.stop,
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
