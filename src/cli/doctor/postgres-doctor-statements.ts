import { type RawBuilder, sql } from 'kysely'
import { RUN_RETENTION_US } from '../../dialects/dialect.ts'
import { tableId } from '../../dialects/table-id.ts'
import type { ResolvedTable } from '../../options.ts'
import { RETENTION_US } from '../../store/retention.ts'

/**
 * What the doctor asks Postgres: reads only, and nothing that waits for a row. Views of statistics show other roles' sessions only to members of
 * `pg_read_all_stats`; the rest of them has nulls there.
 */
export const postgresDoctorStatements = {
  /** Settings by name, as this session has them: those that do not exist in this version are left out. */
  settings: (names: readonly string[]): RawBuilder<unknown> => sql`
select name, setting as value
from pg_settings
where name in (${sql.join(names)})
`,

  standing: (): RawBuilder<unknown> => sql`
select pg_is_in_recovery() as is_replica,
  current_setting('default_transaction_read_only') as is_read_only,
  (select count(*) from pg_stat_replication) as replicas
`,

  /** One row, if the table is there. */
  table: (table: ResolvedTable): RawBuilder<unknown> => sql`
select relations.relkind as kind,
  relations.relpersistence as persistence,
  relations.relrowsecurity as has_row_security,
  coalesce(array_to_string(relations.reloptions, ','), '') as options,
  coalesce((
    select string_agg(attributes.attname, ',' order by position)
    from pg_index as indexes
    cross join unnest(indexes.indkey) with ordinality as keys (number, position)
    join pg_attribute as attributes on attributes.attrelid = relations.oid and attributes.attnum = keys.number
    where indexes.indrelid = relations.oid and indexes.indisprimary and indexes.indisvalid
  ), '') as primary_key
from pg_class as relations
where relations.oid = to_regclass(${nameOf(table)})
`,

  columns: (table: ResolvedTable): RawBuilder<unknown> => sql`
select attributes.attname as name,
  format_type(attributes.atttypid, attributes.atttypmod) as type,
  attributes.attnotnull as is_required,
  attributes.atthasdef or attributes.attidentity <> '' as has_default,
  case
    when collations.collname = 'default' then databases.datcollate
    else collations.collname
  end as collation,
  coalesce(collations.collisdeterministic, true) as is_deterministic
from pg_attribute as attributes
join pg_database as databases on databases.datname = current_database()
left join pg_collation as collations on collations.oid = attributes.attcollation
where attributes.attrelid = to_regclass(${nameOf(table)})
  and attributes.attnum > 0
  and not attributes.attisdropped
order by attributes.attnum
`,

  /** What is on the table and not ours, as `kind`, `name` and `definition`. */
  additions: (table: ResolvedTable): RawBuilder<unknown> => sql`
select 'index' as kind, relations.relname as name, pg_get_indexdef(indexes.indexrelid) as definition
from pg_index as indexes
join pg_class as relations on relations.oid = indexes.indexrelid
where indexes.indrelid = to_regclass(${nameOf(table)}) and not indexes.indisprimary
union all
select 'trigger', tgname, pg_get_triggerdef(oid)
from pg_trigger
where tgrelid = to_regclass(${nameOf(table)}) and not tgisinternal
union all
select 'constraint', conname, pg_get_constraintdef(oid)
from pg_constraint
where conrelid = to_regclass(${nameOf(table)}) and contype in ('c', 'f', 'x')
union all
select 'rule', rulename, pg_get_ruledef(oid)
from pg_rewrite
where ev_class = to_regclass(${nameOf(table)}) and rulename <> '_RETURN'
order by kind, name
`,

  /** `explain` checks the rights and does nothing: also where nothing may be written. */
  rights: (table: ResolvedTable): Record<string, RawBuilder<unknown>> => ({
    select: sql`explain select * from ${tableId(table)}`,
    insert: sql`explain insert into ${tableId(table)} (key, token, expires_at, acquired_at) values ('', 0, 0, 0)`,
    update: sql`explain update ${tableId(table)} set token = token where false`,
    delete: sql`explain delete from ${tableId(table)} where false`,
  }),

  /** Those of the functions that this role may not call. */
  forbiddenFunctions: (names: readonly string[]): RawBuilder<unknown> => sql`
select distinct proname as name
from pg_proc
where pronamespace = 'pg_catalog'::regnamespace
  and proname in (${sql.join(names)})
  and not has_function_privilege(oid, 'execute')
order by proname
`,

  clock: (): RawBuilder<unknown> => sql`
select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now_us
`,

  survey: (table: ResolvedTable, mostRows: number): RawBuilder<unknown> => sql`
with clock as materialized (
  select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now
)
select count(*) as total,
  count(*) filter (where expires_at <= now - ${sql.lit(RETENTION_US)}
    and coalesce(run_ended_at, 0) <= now - ${sql.lit(RUN_RETENTION_US)}) as old,
  count(*) filter (where owner is not null and expires_at = 9223372036854775807) as endless,
  count(*) filter (where attempt is not null and expires_at <= now) as expired,
  count(*) filter (where token > now) as tokens_ahead,
  max(token) as largest_token,
  max(now) as now_us
from clock, (
  select * from ${tableId(table)} limit ${sql.lit(mostRows)}
) as locks
`,

  connections: (): RawBuilder<unknown> => sql`
select count(*) as used,
  current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as most
from pg_stat_activity
where backend_type = 'client backend'
`,

  /** Transactions that have touched the lock table and are still open, oldest first, with how many wait for them. */
  blockers: (table: ResolvedTable): RawBuilder<unknown> => sql`
select activity.pid,
  activity.usename as user_name,
  activity.application_name as application,
  activity.state,
  extract(epoch from clock_timestamp() - activity.xact_start)::float8 as open_s,
  (
    select count(*)
    from pg_stat_activity as waiting
    where activity.pid = any (pg_blocking_pids(waiting.pid))
  ) as waiting
from pg_stat_activity as activity
where activity.pid <> pg_backend_pid()
  and activity.backend_type = 'client backend'
  and exists (
    select
    from pg_locks as locks
    where locks.pid = activity.pid
      and locks.relation = to_regclass(${nameOf(table)})
      and locks.granted
      and locks.mode <> 'AccessShareLock'
  )
order by activity.xact_start
limit 20
`,

  /** Transactions that were prepared and never ended: they hold their rows though no session shows them. */
  prepared: (table: ResolvedTable): RawBuilder<unknown> => sql`
select xacts.gid as name, xacts.owner as user_name,
  extract(epoch from clock_timestamp() - xacts.prepared)::float8 as open_s
from pg_prepared_xacts as xacts
where xacts.database = current_database()
  and exists (
    select
    from pg_locks as own
    join pg_locks as locks on locks.virtualtransaction = own.virtualtransaction and locks.pid is null
    where own.transactionid = xacts.transaction
      and own.pid is null
      and locks.relation = to_regclass(${nameOf(table)})
  )
order by xacts.prepared
limit 20
`,

  /** What keeps dead rows from being removed, anywhere in the database. */
  oldestSnapshot: (): RawBuilder<unknown> => sql`
select pid, usename as user_name, application_name as application, state,
  extract(epoch from clock_timestamp() - xact_start)::float8 as open_s
from pg_stat_activity
where backend_xmin is not null and pid <> pg_backend_pid() and xact_start is not null
order by xact_start
limit 1
`,

  bloat: (table: ResolvedTable): RawBuilder<unknown> => sql`
select n_live_tup as live, n_dead_tup as dead, n_tup_upd as updates, n_tup_hot_upd as hot_updates,
  greatest(last_vacuum, last_autovacuum)::text as last_vacuum,
  pg_relation_size(relid) as size_bytes,
  current_setting('autovacuum') as autovacuum,
  current_setting('track_counts') as track_counts
from pg_stat_all_tables
where relid = to_regclass(${nameOf(table)})
`,

  bookkeeping: (table: ResolvedTable): RawBuilder<unknown> => sql`
select name
from ${tableId(table)}
order by name
`,
}

/** As `to_regclass` reads it. */
function nameOf({ schema, tableName }: ResolvedTable): string {
  const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
  return schema === undefined ? quoted(tableName) : `${quoted(schema)}.${quoted(tableName)}`
}
