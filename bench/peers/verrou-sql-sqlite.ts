import { sqliteStore } from '../../src/drivers/better-sqlite3.ts'
import { openDurableSqlite } from '../places/open-durable-sqlite.ts'
import { createLockTable } from './create-lock-table.ts'
import { lockFactoryPeer } from './lock-factory-peer.ts'
import type { Peer } from './peer.ts'

/** This library on a file through `better-sqlite3`. */
export const verrouSqlSqlite: Peer = {
  prepare: createLockTable,
  async open({ url }) {
    const database = openDurableSqlite(url)
    return lockFactoryPeer(sqliteStore({ database }), () => database.close())
  },
}
