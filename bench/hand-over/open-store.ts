import type { LockStore } from '../../src/index.ts'

/** A store as an app would open it, and how many statements went through its driver. */
export interface OpenStore extends AsyncDisposable {
  readonly store: LockStore
  /** SQLite only: servers count themselves. */
  statementsSent(): number
}

/** Connections of each process: as many as the default of `pg` and of `mysql2`. */
const POOL_SIZE = 10

/** Opens the store of one process. Loads only the driver that it needs. */
export async function openStore(family: 'postgres' | 'mysql' | 'sqlite', url: string): Promise<OpenStore> {
  if (family === 'postgres') return openPostgres(url)
  return family === 'mysql' ? openMysql(url) : openSqlite(url)
}

async function openPostgres(connectionString: string): Promise<OpenStore> {
  const { default: pg } = await import('pg')
  const { pgStore } = await import('../../src/drivers/pg.ts')
  const pool = new pg.Pool({ connectionString, max: POOL_SIZE })
  pool.on('error', () => {})
  return { store: pgStore({ pool }), statementsSent: () => 0, [Symbol.asyncDispose]: () => pool.end() }
}

async function openMysql(uri: string): Promise<OpenStore> {
  const { default: mysql } = await import('mysql2/promise')
  const { mysqlStore } = await import('../../src/drivers/mysql2.ts')
  const pool = mysql.createPool({ uri, connectionLimit: POOL_SIZE })
  return { store: mysqlStore({ pool }), statementsSent: () => 0, [Symbol.asyncDispose]: () => pool.end() }
}

async function openSqlite(path: string): Promise<OpenStore> {
  const { default: Database } = await import('better-sqlite3')
  const { sqliteStore } = await import('../../src/drivers/better-sqlite3.ts')
  const database = new Database(path)
  database.pragma('journal_mode = wal')
  let sent = 0
  const prepare = database.prepare.bind(database)
  const counting = (sql: string) => {
    const statement = prepare(sql)
    const { all, run } = statement
    return Object.assign(statement, {
      all: (...values: unknown[]) => {
        sent++
        return all.apply(statement, values)
      },
      run: (...values: unknown[]) => {
        sent++
        return run.apply(statement, values)
      },
    })
  }
  return {
    store: sqliteStore({ database: Object.assign(database, { prepare: counting }) }),
    statementsSent: () => sent,
    async [Symbol.asyncDispose]() {
      database.close()
    },
  }
}
