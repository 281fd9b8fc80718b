import { setTimeout as sleep } from 'node:timers/promises'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { mysqlStore } from '../src/drivers/mysql2.ts'
import { pgStore } from '../src/drivers/pg.ts'
import { LockFactory, type LockStore } from '../src/index.ts'
import { BACKENDS, type Backend } from './support/backends.ts'
import { mysqlBackend, pgBackend } from './support/sql-backend.ts'

/** G11: works whatever the server's default isolation is; what it undoes is sent again. */
const LEVELS = ['read committed', 'repeatable read', 'serializable']
const WORKERS = 12
const CYCLES = 15

/** A store whose connections have that default; each of {@link WORKERS} has one of its own. */
function storeAt(
  level: string,
  { family, url }: Backend,
  tableName: string,
): { store: LockStore; end(): Promise<void> } {
  if (family === 'postgres') {
    const options = `-c default_transaction_isolation=${level.replace(' ', '\\ ')}`
    const pool = new pg.Pool({ connectionString: url, max: WORKERS, options })
    return { store: pgStore({ pool, tableName }), end: () => pool.end() }
  }
  const pool = mysql.createPool({ uri: url, connectionLimit: WORKERS })
  pool.pool.on('connection', (connection) => connection.query(`set session transaction isolation level ${level}`))
  return { store: mysqlStore({ pool, tableName }), end: () => pool.end() }
}

for (const backend of BACKENDS) {
  describe(backend.name, () => {
    for (const level of LEVELS) {
      test(`${level}: ${WORKERS} workers take turns on a hot key and make new keys, without an error`, {
        timeout: 60_000,
      }, async () => {
        const open = await (backend.family === 'postgres' ? pgBackend : mysqlBackend)(backend.name, backend.url).open()
        const { store, end } = storeAt(level, backend, open.address?.tableName as string)
        const locks = new LockFactory(store, { retry: { delay: 5 } })
        let inside = 0
        let lastToken = 0
        const overlaps: number[] = []
        const work = async (worker: number) => {
          for (let cycle = 0; cycle < CYCLES; cycle++) {
            await locks.createLock('hot').run(async ({ fencingToken }) => {
              if (++inside > 1 || fencingToken <= lastToken) overlaps.push(fencingToken)
              lastToken = fencingToken
              await sleep(1)
              inside--
            })
            const fresh = locks.createLock(`new:${worker}:${cycle}`)
            expect(await fresh.acquireImmediately()).toBe(true)
            await fresh.extend()
            await fresh.release()
          }
        }
        await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)))
        expect(overlaps).toEqual([])
        await locks.close()
        await end()
        await open.close()
      })
    }
  })
}

test.runIf(BACKENDS.length === 0)('nothing to test: no server is selected', () => {})
