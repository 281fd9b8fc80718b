import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { DialectName } from '../../../src/dialects/compiler.ts'
import { migrateToLatest } from '../../../src/schema/migrations.ts'
import { isSelected } from '../../servers/selection.ts'
import { BACKENDS } from '../backends.ts'
import { createDatabase } from '../throwaway-database.ts'
import { openExamined } from './examined.ts'

/** A database that the doctor is sent to, of a test's own. */
export interface DoctorPlace {
  readonly url: string
  drop(): Promise<unknown>
}

/** Each database that is selected. */
export const DOCTOR_PLACES: readonly {
  readonly name: string
  readonly family: DialectName
  create(): Promise<DoctorPlace>
}[] = [
  ...BACKENDS.map((backend) => ({ ...backend, create: () => createDatabase(backend) })),
  ...(isSelected('sqlite') ? [{ name: 'sqlite', family: 'sqlite' as const, create: async () => newDoctorFile() }] : []),
]

/** Those of servers. */
export const DOCTOR_SERVERS = DOCTOR_PLACES.filter(({ family }) => family !== 'sqlite')

/** The table of the locks, in every place. */
export const TABLE = 'verrou_locks'

/** A file as the embedded one is made. */
export function newDoctorFile(): DoctorPlace {
  const folder = mkdtempSync(join(tmpdir(), 'verrou-doctor-'))
  const url = join(folder, 'locks.db')
  const database = new Database(url)
  database.pragma('journal_mode = wal')
  database.close()
  return { url, drop: async () => rmSync(folder, { recursive: true, force: true }) }
}

/** Makes the table, as `verrou migrate` does. */
export async function migrated(place: DoctorPlace): Promise<DoctorPlace> {
  await using one = await openExamined(place.url, TABLE)
  await migrateToLatest(one.connection.db)
  return place
}
