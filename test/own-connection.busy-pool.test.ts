import mysqlCallback from 'mysql2'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { OwnConnection } from '../src/executors/executor.ts'
import { connectionBesideMysql2, connectionBesidePg } from '../src/store/beside-pool.ts'
import { BACKENDS, type Backend } from './support/backends.ts'

/** A pool of the app, all of whose connections the app can take. */
interface BusyPool {
  readonly own: OwnConnection
  /** Takes every connection. @returns gives them back */
  takeAll(): Promise<() => void>
  /** The id of a session of the pool. */
  sessionId(): Promise<unknown>
  end(): Promise<unknown>
}

const OPEN: Readonly<Record<string, (backend: Backend, size: number) => BusyPool>> = {
  pg: ({ url }, size) => {
    const pool = new pg.Pool({ connectionString: url, max: size })
    return {
      own: connectionBesidePg({ pool, listen: undefined, nameSuffix: 'test' }) as OwnConnection,
      async takeAll() {
        const clients = await Promise.all(Array.from({ length: size }, () => pool.connect()))
        return () => {
          for (const client of clients) client.release()
        }
      },
      sessionId: async () => (await pool.query('select pg_backend_pid() as id')).rows[0]?.id,
      end: () => pool.end(),
    }
  },
  'mysql2/promise': ({ url }, size) => mysqlBusyPool(mysql.createPool({ uri: url, connectionLimit: size }), size),
  'mysql2, callbacks': ({ url }, size) => {
    const pool = mysqlCallback.createPool({ uri: url, connectionLimit: size })
    return mysqlBusyPool(pool.promise(), size, pool)
  },
}

function mysqlBusyPool(pool: mysql.Pool, size: number, given: object = pool): BusyPool {
  return {
    own: connectionBesideMysql2(given) as OwnConnection,
    async takeAll() {
      const connections = await Promise.all(Array.from({ length: size }, () => pool.getConnection()))
      return () => {
        for (const connection of connections) connection.release()
      }
    },
    async sessionId() {
      const [rows] = await pool.query<mysql.RowDataPacket[]>('select connection_id() as id')
      return rows[0]?.id
    },
    end: () => pool.end(),
  }
}

for (const backend of BACKENDS) {
  const names = Object.keys(OPEN).filter((name) => (backend.family === 'postgres') === (name === 'pg'))
  describe.each(names)(`${backend.name} (%s)`, (name) => {
    test.each([1, 4])('a pool of %i whose every connection is busy does not hold it up', async (size) => {
      const open = OPEN[name] as (backend: Backend, size: number) => BusyPool
      const { own, takeAll, sessionId, end } = open(backend, size)
      const id = backend.family === 'postgres' ? 'pg_backend_pid()' : 'connection_id()'
      const giveBack = await takeAll()
      // Whoever asks the pool waits.
      let hasAnswered = false
      const waiting = sessionId().then((answer) => {
        hasAnswered = true
        return answer
      })
      for (let times = 0; times < 20; times++) {
        const { rows } = await own.execute({ name: 'id', sql: `select ${id} as id` }, [], 2_000)
        expect(Number(rows[0]?.id)).toBeGreaterThan(0)
      }
      expect(hasAnswered).toBe(false)
      const ownId = (await own.execute({ sql: `select ${id} as id` }, [], 2_000)).rows[0]?.id
      giveBack()
      expect(await waiting).not.toBe(ownId)
      await own.close()
      await end()
    })
  })
}

test.runIf(BACKENDS.length === 0)('nothing to test: no server is selected', () => {})
