import { Kysely, MysqlDialect, PostgresDialect } from 'kysely'
import mysqlCallback from 'mysql2'
import pg from 'pg'
import { mysqlStore } from '../../src/drivers/mysql2.ts'
import { pgStore } from '../../src/drivers/pg.ts'
import type { LockStore } from '../../src/index.ts'
import { mutated } from '../mutation/mutated.ts'
import type { TableAddress } from './contract-backend.ts'

const { Connection } = mysqlCallback as unknown as {
  Connection: { prototype: { execute: (...given: unknown[]) => unknown } }
}

/** A store on a pool of its own, as a process has it. */
export interface PresentApp {
  readonly store: LockStore
  /** For the writes of the process, on the same pool. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever tables a test has
  readonly db: Kysely<any>
  end(): Promise<void>
}

/** A store with `presence`, or without. */
export function openPresent({ family, url, tableName }: TableAddress, presence = true, size = 10): PresentApp {
  if (process.env.VERROU_MUTANT !== undefined) breakDrivers(mutated(family, tableName))
  if (family === 'postgres') {
    const pool = new pg.Pool({ connectionString: url, max: size })
    pool.on('error', () => {})
    pool.on('connect', (client) => client.on('error', () => {}))
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
    return { store: pgStore({ pool, tableName, presence }), db, end: () => db.destroy() }
  }
  const pool = mysqlCallback.createPool({ uri: url, connectionLimit: size })
  const db = new Kysely<unknown>({ dialect: new MysqlDialect({ pool }) })
  return {
    store: mysqlStore({ pool: pool.promise(), tableName, presence }),
    db,
    // Connections that a test has killed cannot say goodbye.
    end: () => db.destroy().catch(() => {}),
  }
}

/** Whatever connection it is sent on: that of the presence, too. */
export function breakDrivers(broken: (sql: string) => string): void {
  const { query } = pg.Client.prototype
  pg.Client.prototype.query = function (this: pg.Client, asked: unknown, ...more: unknown[]) {
    const { text } = asked as { text?: string }
    const said =
      text === undefined ? asked : Object.assign(Object.create(asked as object), asked, { text: broken(text) })
    return Reflect.apply(query, this, [said, ...more])
  } as typeof query
  const { execute } = Connection.prototype
  Connection.prototype.execute = function (this: object, sql: unknown, ...more: unknown[]) {
    return Reflect.apply(execute, this, [typeof sql === 'string' ? broken(sql) : sql, ...more])
  }
}
