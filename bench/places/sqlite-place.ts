import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDurableSqlite } from './open-durable-sqlite.ts'
import type { Place } from './place.ts'

/** Makes a file in a temporary folder, which is removed in the end. */
export async function sqlitePlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'verrou-bench-sqlite-'))
  const path = join(folder, 'bench.db')
  const database = openDurableSqlite(path)
  const { version } = database.prepare('select sqlite_version() as version').get() as { version: string }
  return {
    name: 'sqlite',
    title: `SQLite ${version}`,
    url: path,
    async send(sql) {
      const words = database.prepare(sql)
      if (words.reader) return words.all() as Record<string, unknown>[]
      words.run()
      return []
    },
    counters: async () => ({}),
    async [Symbol.asyncDispose]() {
      database.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
