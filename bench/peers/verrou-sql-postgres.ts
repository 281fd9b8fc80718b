import pg from 'pg'
import { pgStore } from '../../src/drivers/pg.ts'
import { createLockTable } from './create-lock-table.ts'
import { lockFactoryPeer } from './lock-factory-peer.ts'
import type { OpenPeer, Peer, PeerWishes } from './peer.ts'

/** This library on a pool of `pg`, with its own defaults. */
export const verrouSqlPostgres: Peer = { prepare: createLockTable, open: (wishes) => open(wishes, false) }

/** The same in the words for engines that lack features: what it costs there is seen where there is nothing to lack. */
export const verrouSqlPostgresPortable: Peer = { prepare: createLockTable, open: (wishes) => open(wishes, true) }

async function open({ url, poolSize, tableName }: PeerWishes, portable: boolean): Promise<OpenPeer> {
  const pool = new pg.Pool({ connectionString: url, max: poolSize })
  pool.on('error', () => {})
  const table = tableName === undefined ? {} : { tableName }
  return lockFactoryPeer(pgStore({ pool, portable, ...table }), () => pool.end())
}
