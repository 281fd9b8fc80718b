import mysql from 'mysql2/promise'
import { mysqlStore } from '../../src/drivers/mysql2.ts'
import { createLockTable } from './create-lock-table.ts'
import { lockFactoryPeer } from './lock-factory-peer.ts'
import type { OpenPeer, Peer, PeerWishes } from './peer.ts'

/** This library on a pool of `mysql2`, with its own defaults. */
export const verrouSqlMysql: Peer = { prepare: createLockTable, open: (wishes) => open(wishes, false) }

/** The same in the words for engines that lack features. */
export const verrouSqlMysqlPortable: Peer = { prepare: createLockTable, open: (wishes) => open(wishes, true) }

async function open({ url, poolSize }: PeerWishes, portable: boolean): Promise<OpenPeer> {
  const pool = mysql.createPool({ uri: url, connectionLimit: poolSize })
  return lockFactoryPeer(mysqlStore({ pool, portable }), () => pool.end())
}
