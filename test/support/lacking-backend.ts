import { randomBytes } from 'node:crypto'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { kyselyStore } from '../../src/drivers/kysely.ts'
import { LockFactory, type LockStore } from '../../src/index.ts'
import type { Backend } from './backends.ts'
import type { ContractBackend, OpenBackend, TableAddress } from './contract-backend.ts'
import { openPostgres } from './open-postgres.ts'
import { pgBackend } from './sql-backend.ts'
import { createDatabase, sendPostgres } from './throwaway-database.ts'

/** Functions that engines lack which speak the language of Postgres. */
const LACKING = /^(pg_notify|set_config|pg_(try_)?advisory_.*)$/

/** How long a statement waits for somebody's transaction: portable statements want it bounded. */
const LOCK_TIMEOUT_MS = 1_000

/**
 * Postgres as a role sees it that may not call what some engines lack: it fails with 42501. What the suite does through the back door, and
 * making the table, an administrator does: Kysely's Migrator calls some of that.
 */
export function lackingBackend(server: Backend, driver: 'pg' | 'kysely'): ContractBackend {
  const name = `portable ${server.name} without features (${driver}, portable)`
  return { name, family: 'postgres', open: () => openLacking(server, driver) }
}

async function openLacking(server: Backend, driver: 'pg' | 'kysely'): Promise<OpenBackend> {
  const database = await createDatabase(server)
  const admin = await pgBackend(server.name, `${database.url}?portable=true`).open()
  const role = `verrou_lacking_${randomBytes(4).toString('hex')}`
  for (const call of await lackingCalls(admin)) await admin.send(`revoke execute on function ${call} from public`)
  await admin.send(`create role ${role} login`)
  await admin.send(`grant all on all tables in schema public to ${role}`)
  await admin.send(`alter default privileges in schema public grant all on tables to ${role}`)

  const url = new URL(database.url)
  url.username = role
  url.password = ''
  url.searchParams.set('lock_timeout', String(LOCK_TIMEOUT_MS))
  const { tableName } = admin.address as TableAddress
  const opened = driver === 'pg' ? openPostgres(`${url.href}&portable=true`) : openKysely(url.href)
  return {
    ...admin,
    address: { family: 'postgres', url: `${url.href}&portable=true`, tableName },
    store: () => opened.store(tableName),
    factory: (options) => new LockFactory(opened.store(tableName), options),
    async close() {
      await opened.close()
      await admin.close()
      await database.drop()
      await sendPostgres(server.url, `drop role ${role}`)
    },
  }
}

async function lackingCalls({ send }: OpenBackend): Promise<string[]> {
  const rows = await send(
    "select proname, oid::regprocedure::text as call from pg_proc where pronamespace = 'pg_catalog'::regnamespace",
  )
  return rows.filter(({ proname }) => LACKING.test(String(proname))).map(({ call }) => String(call))
}

function openKysely(url: string): { store(tableName: string): LockStore; close(): Promise<void> } {
  const pool = new pg.Pool({ connectionString: url })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  const connection = new Kysely({ dialect: new PostgresDialect({ pool }) })
  return {
    store: (tableName) => kyselyStore({ connection, tableName, portable: true }),
    close: () => connection.destroy(),
  }
}
