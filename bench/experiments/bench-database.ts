import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompiledQuery, Kysely, MysqlDialect, PostgresDialect, SqliteDialect } from 'kysely'
import { migrateToLatest } from '../../src/schema/migrations.ts'

/** A server to measure, by the URL of a user that may create databases. */
export interface Target {
  readonly name: string
  readonly family: 'postgres' | 'mysql' | 'sqlite'
  /** Missing for SQLite: a file in a temporary folder. */
  readonly url?: string
}

/**
 * How each server counts the statements of one benchmark, whatever else it does: Postgres by database; MySQL and MariaDB by user, since
 * their counts by connection end with the connection, and MariaDB leaves prepared statements out of its digests.
 */
const STATEMENTS_SO_FAR = {
  postgres: (name: string) =>
    `select sum(calls) as n from pg_stat_statements where dbid = (select oid from pg_database where datname = '${name}')`,
  mysql: (name: string) =>
    `select sum(count_star) as n from performance_schema.events_statements_summary_by_user_by_event_name where user = '${name}'`,
}

/** A database of the benchmark's own on a server, or a file, with the lock table in it. */
export class BenchDatabase {
  readonly name: string
  readonly family: Target['family']
  readonly url: string
  readonly version: string
  readonly #place: Place

  private constructor({ name, family }: Target, place: Place, version: string) {
    this.name = name
    this.family = family
    this.url = place.url
    this.version = version
    this.#place = place
  }

  static async create(target: Target): Promise<BenchDatabase> {
    const place = await makePlace(target)
    const db = await connect(target.family, place.url)
    await migrateToLatest(db)
    if (target.family === 'postgres')
      await send(db, 'create extension if not exists pg_stat_statements').catch(() => {})
    const [row] = await send(db, target.family === 'sqlite' ? 'select sqlite_version() as v' : 'select version() as v')
    // The extension belongs to one database, and shows all.
    const counting = target.family === 'mysql' ? place.admin : db
    if (counting !== db) await db.destroy()
    return new BenchDatabase(target, { ...place, counting }, String(row?.v).split(' on ')[0] ?? '')
  }

  /** `undefined`: the server does not count, or does not tell. */
  async statementsSoFar(): Promise<number | undefined> {
    const { counting, name } = this.#place
    if (this.family === 'sqlite' || counting === undefined) return undefined
    const rows = await send(counting, STATEMENTS_SO_FAR[this.family](name)).catch(() => [])
    return rows[0]?.n == null ? undefined : Number(rows[0].n)
  }

  async drop(): Promise<void> {
    const { counting, admin, drop } = this.#place
    if (counting !== admin) await counting?.destroy()
    await drop()
    await admin?.destroy()
  }
}

/** Where a benchmark has its table. */
interface Place {
  readonly name: string
  readonly url: string
  /** As the user that was given; missing for SQLite. */
  readonly admin?: Kysely<unknown>
  readonly counting?: Kysely<unknown> | undefined
  drop(): Promise<void>
}

async function makePlace({ family, url = '' }: Target): Promise<Place> {
  if (family === 'sqlite') {
    const folder = mkdtempSync(join(tmpdir(), 'verrou-bench-'))
    const drop = async () => rmSync(folder, { recursive: true, force: true })
    return { name: folder, url: join(folder, 'bench.db'), drop }
  }
  const name = `verrou_bench_${randomBytes(4).toString('hex')}`
  const admin = await connect(family, url)
  const own = new URL(url)
  own.pathname = `/${name}`
  await send(admin, `create database ${name}`)
  if (family === 'postgres')
    return {
      name,
      url: own.href,
      admin,
      drop: async () => void (await send(admin, `drop database ${name} with (force)`)),
    }

  own.username = name
  own.password = randomBytes(12).toString('hex')
  await send(admin, `create user ${name} identified by '${own.password}'`)
  await send(admin, `grant all on ${name}.* to ${name}`)
  return {
    name,
    url: own.href,
    admin,
    async drop() {
      await send(admin, `drop database ${name}`)
      await send(admin, `drop user ${name}`)
    },
  }
}

async function connect(family: Target['family'], url: string): Promise<Kysely<unknown>> {
  if (family === 'postgres') {
    const { default: pg } = await import('pg')
    return new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max: 1 }) }) })
  }
  if (family === 'mysql') {
    const { createPool } = await import('mysql2')
    return new Kysely({ dialect: new MysqlDialect({ pool: createPool({ uri: url, connectionLimit: 1 }) }) })
  }
  const { default: Database } = await import('better-sqlite3')
  const database = new Database(url)
  database.pragma('journal_mode = wal')
  return new Kysely({ dialect: new SqliteDialect({ database }) })
}

async function send(db: Kysely<unknown>, sql: string): Promise<Record<string, unknown>[]> {
  return (await db.executeQuery(CompiledQuery.raw(sql))).rows as Record<string, unknown>[]
}
