import { migrateToLatest } from '../../src/schema/migrations.ts'
import { openAddress } from '../support/open-address.ts'
import type { Opened } from '../support/opened.ts'
import type { TortureDatabase } from './databases/torture-database.ts'
import { kyselySend } from './kysely-transact.ts'
import { TortureTables } from './torture-tables.ts'
import type { Send } from './work/work-kind.ts'
import { createWorkerUser } from './worker-user.ts'

/** Does something on a connection of the torture's own, to a server that takes writes now. */
export async function atDatabase<Result>(
  database: TortureDatabase,
  tableName: string,
  work: (send: Send, opened: Opened) => Promise<Result>,
): Promise<Result> {
  const opened = await openAddress({ family: database.family, url: database.adminUrl(), tableName })
  try {
    return await work(kyselySend(opened.db), opened)
  } finally {
    await opened.db.destroy().catch(() => {})
    await opened.close().catch(() => {})
  }
}

/** Makes the table of the locks by its migrations, and the torture's own beside it. */
export async function createTables(database: TortureDatabase, tableName: string): Promise<void> {
  await atDatabase(database, tableName, async (send, { db }) => {
    await migrateToLatest(db, { tableName })
    for (const sql of new TortureTables(database.family, tableName).create()) await send(sql)
    await createWorkerUser(database, send)
  })
}

/** The database's clock minus that of all processes here, in microseconds, by the quickest of many answers. */
export async function clockOffsetOf(send: Send, sharedTime: () => number, tables: TortureTables): Promise<number> {
  let best = { tookUs: Number.POSITIVE_INFINITY, offsetUs: 0 }
  for (let round = 0; round < 20; round++) {
    const before = sharedTime()
    const { rows } = await send(tables.readClock())
    const tookUs = sharedTime() - before
    if (tookUs < best.tookUs) best = { tookUs, offsetUs: Number(rows[0]?.now) - (before + tookUs / 2) }
  }
  return Math.round(best.offsetUs)
}
