import mysql from 'mysql2/promise'
import pg from 'pg'
import { mysqlStore } from '../../src/drivers/mysql2.ts'
import { pgStore } from '../../src/drivers/pg.ts'
import type { LockStore } from '../../src/index.ts'
import type { TableAddress } from './contract-backend.ts'

/** A store on a pool of its own, as a process has it. */
export interface PresentApp {
  readonly store: LockStore
  end(): Promise<void>
}

/** A store with `presence`, or without. */
export function openPresent({ family, url, tableName }: TableAddress, presence = true, size = 10): PresentApp {
  if (family === 'postgres') {
    const pool = new pg.Pool({ connectionString: url, max: size })
    pool.on('error', () => {})
    return { store: pgStore({ pool, tableName, presence }), end: () => pool.end() }
  }
  const pool = mysql.createPool({ uri: url, connectionLimit: size })
  return {
    store: mysqlStore({ pool, tableName, presence }),
    // Connections that a test has killed cannot say goodbye.
    end: () => pool.end().catch(() => {}),
  }
}
