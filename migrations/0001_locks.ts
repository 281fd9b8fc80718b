import { type RawBuilder, sql } from 'kysely'

/**
 * The table of the leases. Plain text per database, never edited after its release: what changes later is a migration
 * of its own. Safe to run twice.
 *
 * - `key`: bytes. `collate "C"`, `varbinary` and SQLite's `binary` compare byte by byte, without case or padding.
 * - `owner`, `attempt`: null when free. `attempt` is the `acquire` call that won, so that it can find its own hold.
 * - `token`: the fencing token of the last grant; the row stays after a release so that it only grows.
 * - `expires_at`, `acquired_at`: microseconds since the epoch by the database's clock; the largest bigint: never.
 * - `held_by`: for people. `wanted`: somebody waits, so a release should notify.
 *
 * Postgres: half-filled pages and no index but the key keep every update heap-only (HOT), so the table does not bloat.
 */
export const createTable: Record<'postgres' | 'mysql' | 'sqlite', (table: RawBuilder<unknown>) => RawBuilder<unknown>> =
  {
    postgres: (table) => sql`
create table if not exists ${table} (
  key text collate "C" not null primary key,
  owner text,
  attempt text,
  token bigint not null,
  expires_at bigint not null,
  acquired_at bigint not null,
  held_by text,
  wanted boolean not null default false
) with (fillfactor = 50)
`,

    mysql: (table) => sql`
create table if not exists ${table} (
  \`key\` varbinary(1024) not null primary key,
  owner varbinary(255),
  attempt varbinary(255),
  token bigint not null,
  expires_at bigint not null,
  acquired_at bigint not null,
  held_by varchar(255) character set utf8mb4,
  wanted boolean not null default false
) engine = InnoDB row_format = dynamic
`,

    sqlite: (table) => sql`
create table if not exists ${table} (
  key text collate binary not null primary key,
  owner text,
  attempt text,
  token integer not null,
  expires_at integer not null,
  acquired_at integer not null,
  held_by text,
  wanted integer not null default 0
) strict, without rowid
`,
  }

/** The way back: the tokens are gone with it. */
export const dropTable = (table: RawBuilder<unknown>): RawBuilder<unknown> => sql`drop table if exists ${table}`
