import { type RawBuilder, sql } from 'kysely'

type Wording = (table: RawBuilder<unknown>) => readonly RawBuilder<unknown>[]

/**
 * How often a hold was extended: for people. Nothing is decided by it, and a table without these columns goes on working. Safe to run twice, as
 * the migration before.
 *
 * - `renewed_token`: the fencing token of the hold that was extended last; null: none was.
 * - `renewals`: how often. Of a hold with another token it says nothing, so that nobody who takes or releases a lock has to write it.
 */
export const addColumns: Record<'postgres' | 'mysql' | 'sqlite', Wording> = {
  postgres: (table) => [
    sql`
alter table ${table}
  add column if not exists renewed_token bigint,
  add column if not exists renewals bigint
`,
  ],

  mysql: (table) => [
    sql`
alter table ${table}
  add column /*M! if not exists */ renewed_token bigint,
  add column /*M! if not exists */ renewals bigint
`,
  ],

  sqlite: (table) => [
    sql`alter table ${table} add column renewed_token integer`,
    sql`alter table ${table} add column renewals integer`,
  ],
}

/** The way back: the counts are gone with it. */
export const dropColumns: Record<'postgres' | 'mysql' | 'sqlite', Wording> = {
  postgres: (table) => [
    sql`
alter table ${table}
  drop column if exists renewed_token,
  drop column if exists renewals
`,
  ],

  mysql: (table) => [
    sql`
alter table ${table}
  drop column /*M! if exists */ renewed_token,
  drop column /*M! if exists */ renewals
`,
  ],

  sqlite: (table) => [
    sql`alter table ${table} drop column renewed_token`,
    sql`alter table ${table} drop column renewals`,
  ],
}
