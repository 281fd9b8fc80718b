import Database from 'better-sqlite3'
import { fromBetterSqlite3 } from '../../src/adapters/better-sqlite3.ts'
import { fromDrizzle } from '../../src/adapters/drizzle.ts'
import { fromKnex } from '../../src/adapters/knex.ts'
import { fromMikroOrm } from '../../src/adapters/mikro-orm.ts'
import { fromMysql2 } from '../../src/adapters/mysql2.ts'
import { fromPg } from '../../src/adapters/pg.ts'
import { fromPostgresJs } from '../../src/adapters/postgres-js.ts'
import { fromPrisma } from '../../src/adapters/prisma.ts'
import { fromSequelize } from '../../src/adapters/sequelize.ts'
import { fromTypeOrm } from '../../src/adapters/typeorm.ts'
import { sqliteStore } from '../../src/drivers/better-sqlite3.ts'
import { kyselyStore } from '../../src/drivers/kysely.ts'
import { memoryStore } from '../../src/drivers/memory.ts'
import { mysqlStore } from '../../src/drivers/mysql2.ts'
import { pgStore } from '../../src/drivers/pg.ts'
import { isLockError } from '../../src/index.ts'
import { createMigrations, migrateToLatest } from '../../src/schema/migrations.ts'
import { verrouStore } from '../../src/verrou/verrou-store.ts'
import type { Anything, PublicCall, World } from './public-call.ts'

const POOL = { query: async () => ({ rows: [], rowCount: 0 }), execute: async () => [[], []] }
const DATABASE = new Database(':memory:')
const isStore = (value: Anything) => 'tryAcquire' in value
const isBoolean = (value: Anything) => typeof value === 'boolean'

/** The makers of stores and of migrations. */
export const STORE_CALLS: Readonly<Record<string, PublicCall>> = {
  ...Object.fromEntries(
    Object.entries({ pgStore, mysqlStore, sqliteStore, kyselyStore, createMigrations }).map(([name, make]) => [
      name,
      { call: (_world: World, a: Anything) => make(a), isForeign: true },
    ]),
  ),
  verrouStore: { call: (_world, store) => verrouStore(store), isForeign: true },
  'verrouStore: options': {
    call: (_world, options) => verrouStore(memoryStore(), options),
    isRight: (driver) => 'factory' in driver,
  },
  'pgStore: options': { call: (_world, prepare, listen) => pgStore({ pool: POOL, prepare, listen }), isRight: isStore },
  'pgStore: table': {
    call: (_world, tableName, schema, autoCreateTable) => pgStore({ pool: POOL, tableName, schema, autoCreateTable }),
    isRight: isStore,
  },
  'mysqlStore: table': {
    call: (_world, tableName, schema) => mysqlStore({ pool: POOL as Anything, tableName, schema }),
    isRight: isStore,
  },
  'sqliteStore: table': {
    call: (_world, tableName, schema) => sqliteStore({ database: DATABASE, tableName, schema }),
    isRight: isStore,
  },
  'kyselyStore: pool': {
    call: (_world, connection, pool, listen) => kyselyStore({ connection, pool, listen }),
    isForeign: true,
  },
  'createMigrations: each': {
    call: (_world, prefix, tableName, schema) => createMigrations({ prefix, tableName, schema }),
    isRight: (value, prefix = '') => Object.keys(value).every((name) => name.startsWith(prefix)),
  },
  migrateToLatest: { call: (_world, a, b) => migrateToLatest(a, b), isForeign: true },
  isLockError: { call: (_world, a, b) => isLockError(a, b), isForeign: true, isRight: isBoolean },
}

/** What makes transactions out of other libraries' own. */
export const ADAPTER_CALLS: Readonly<Record<string, PublicCall>> = Object.fromEntries(
  Object.entries({
    ...{ fromBetterSqlite3, fromDrizzle, fromKnex, fromMikroOrm, fromMysql2 },
    ...{ fromPg, fromPostgresJs, fromPrisma, fromSequelize, fromTypeOrm },
  }).map(([name, from]) => [name, { call: (_world: World, a: Anything) => from(a), isForeign: true }]),
)
