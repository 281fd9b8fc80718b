import { type RawBuilder, sql } from 'kysely'

type Wording = (table: RawBuilder<unknown>) => readonly RawBuilder<unknown>[]

/**
 * What is known of the last run of `runOncePer` that ended. Nothing else needs these columns: a table without them goes on working. Safe to
 * run twice: Postgres and MariaDB leave out what is there; MySQL and SQLite have no words for that, and their error for a column that is
 * there already counts as done. MariaDB reads what MySQL takes for a comment: https://mariadb.com/kb/en/comment-syntax/
 *
 * - `run_token`: the fencing token it ran with; null: no run is known.
 * - `run_started_at`, `run_ended_at`: as `acquired_at`.
 * - `run_by`: as `held_by`. `run_failed`: whether it threw.
 *
 * No database rewrites the table for nullable columns without a default.
 */
export const addColumns: Record<'postgres' | 'mysql' | 'sqlite', Wording> = {
  postgres: (table) => [
    sql`
alter table ${table}
  add column if not exists run_token bigint,
  add column if not exists run_started_at bigint,
  add column if not exists run_ended_at bigint,
  add column if not exists run_by text,
  add column if not exists run_failed boolean
`,
  ],

  mysql: (table) => [
    sql`
alter table ${table}
  add column /*M! if not exists */ run_token bigint,
  add column /*M! if not exists */ run_started_at bigint,
  add column /*M! if not exists */ run_ended_at bigint,
  add column /*M! if not exists */ run_by varchar(255) character set utf8mb4,
  add column /*M! if not exists */ run_failed boolean
`,
  ],

  sqlite: (table) => [
    sql`alter table ${table} add column run_token integer`,
    sql`alter table ${table} add column run_started_at integer`,
    sql`alter table ${table} add column run_ended_at integer`,
    sql`alter table ${table} add column run_by text`,
    sql`alter table ${table} add column run_failed integer`,
  ],
}

/** The way back: what is known of runs is gone with it. */
export const dropColumns: Record<'postgres' | 'mysql' | 'sqlite', Wording> = {
  postgres: (table) => [
    sql`
alter table ${table}
  drop column if exists run_token,
  drop column if exists run_started_at,
  drop column if exists run_ended_at,
  drop column if exists run_by,
  drop column if exists run_failed
`,
  ],

  mysql: (table) => [
    sql`
alter table ${table}
  drop column /*M! if exists */ run_token,
  drop column /*M! if exists */ run_started_at,
  drop column /*M! if exists */ run_ended_at,
  drop column /*M! if exists */ run_by,
  drop column /*M! if exists */ run_failed
`,
  ],

  sqlite: (table) => [
    sql`alter table ${table} drop column run_token`,
    sql`alter table ${table} drop column run_started_at`,
    sql`alter table ${table} drop column run_ended_at`,
    sql`alter table ${table} drop column run_by`,
    sql`alter table ${table} drop column run_failed`,
  ],
}
