// npx kysely migrate:latest, npx kysely migrate:down: the lock table in the database of DATABASE_URL
// (postgres://…, mysql://… for MySQL and MariaDB, or the path of an SQLite file). Default: ./verrou.db
import Database from 'better-sqlite3'
import { type Dialect, MysqlDialect, PostgresDialect, SqliteDialect } from 'kysely'
import { defineConfig } from 'kysely-ctl'
import mysql from 'mysql2'
import pg from 'pg'
import { migrations } from './src/schema/migrations.ts'

const url = process.env.DATABASE_URL ?? 'verrou.db'

const DIALECTS: Readonly<Record<string, () => Dialect>> = {
  postgres: () => new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }),
  postgresql: () => new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }),
  mysql: () => new MysqlDialect({ pool: mysql.createPool(url) }),
  mariadb: () => new MysqlDialect({ pool: mysql.createPool(url.replace(/^mariadb:/, 'mysql:')) }),
}

function dialect(): Dialect {
  const scheme = /^([a-z]+):\/\//.exec(url)?.[1]
  if (scheme === undefined) return new SqliteDialect({ database: new Database(url) })
  const create = DIALECTS[scheme]
  if (create) return create()
  throw new Error(`DATABASE_URL begins with ${scheme}://; known: ${Object.keys(DIALECTS).join('://, ')}://, or a path`)
}

export default defineConfig({
  dialect,
  migrations: {
    provider: { getMigrations: async () => migrations },
    // The same as `migrateToLatest` uses, so that either finds what the other has done.
    migrationTableName: 'verrou_locks_migrations',
    migrationLockTableName: 'verrou_locks_migrations_lock',
  },
})
