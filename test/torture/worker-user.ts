import type { TortureDatabase } from './databases/torture-database.ts'
import type { Send } from './work/work-kind.ts'

/**
 * Workers come as a user of their own, as apps should: without rights over the server, so that what is kept back for
 * administrators is kept from them, and faults can tell whom to hurt.
 */
const WORKER = 'worker'

/** The URL with the worker's user in the place of its own. */
export function asWorker(url: string): string {
  const changed = new URL(url)
  changed.username = WORKER
  changed.password = WORKER
  return changed.href
}

/** The same database, to which workers come as their own user. */
export function withWorkerUser(database: TortureDatabase): TortureDatabase {
  if (database.family === 'sqlite') return database
  return { ...database, workerUrl: () => asWorker(database.workerUrl()) }
}

/** What makes the user, whether or not it is there. */
export const CREATE_WORKER: Readonly<Record<TortureDatabase['family'], readonly string[]>> = {
  postgres: [
    `do $$ begin if not exists (select from pg_roles where rolname = '${WORKER}') then create role ${WORKER} login password '${WORKER}'; end if; end $$`,
  ],
  mysql: [`create user if not exists '${WORKER}'@'%' identified by '${WORKER}'`],
  sqlite: [],
}

/** Lets it use the tables that are there now. */
const GRANT: Readonly<Record<TortureDatabase['family'], readonly string[]>> = {
  postgres: [
    `grant select, insert, update, delete on all tables in schema public to ${WORKER}`,
    `grant usage on all sequences in schema public to ${WORKER}`,
  ],
  mysql: [`grant select, insert, update, delete on verrou_test.* to '${WORKER}'@'%'`],
  sqlite: [],
}

/** Makes the user, who may use the tables that are there, and nothing else. */
export async function createWorkerUser({ family }: TortureDatabase, send: Send): Promise<void> {
  for (const sql of [...CREATE_WORKER[family], ...GRANT[family]]) await send(sql)
}
