import { type RawBuilder, sql } from 'kysely'
import { NEVER, RUN_RETENTION_US } from '../../dialects/dialect.ts'
import { mysqlNow } from '../../dialects/mysql/statements.ts'
import { tableId } from '../../dialects/table-id.ts'
import type { ResolvedTable } from '../../options.ts'
import { RETENTION_US } from '../../store/retention.ts'

/** What the doctor asks MySQL and MariaDB: reads only, and nothing that locks a row or waits for one. Views give names in capitals: hence the aliases. */
export const mysqlDoctorStatements = {
  /** Settings by name, as this session has them: those that do not exist in this version are left out. */
  settings: (names: readonly string[]): RawBuilder<unknown> => sql`
show variables where variable_name in (${sql.join(names.map((name) => sql.lit(name)))})
`,

  status: (names: readonly string[]): RawBuilder<unknown> => sql`
show global status where variable_name in (${sql.join(names.map((name) => sql.lit(name)))})
`,

  /** One row, if the table is there. */
  table: (table: ResolvedTable): RawBuilder<unknown> => sql`
select table_type as kind, engine as engine, row_format as \`row_format\`, create_options as options
from information_schema.tables
where table_schema = ${schemaOf(table)} and table_name = ${table.tableName}
`,

  columns: (table: ResolvedTable): RawBuilder<unknown> => sql`
select column_name as name, column_type as type, is_nullable = 'NO' as is_required,
  column_default is not null or extra like '%auto_increment%' as has_default, column_key = 'PRI' as is_in_key
from information_schema.columns
where table_schema = ${schemaOf(table)} and table_name = ${table.tableName}
order by ordinal_position
`,

  /** What is on the table and not ours, as `kind`, `name` and `definition`. */
  additions: (table: ResolvedTable): RawBuilder<unknown> => sql`
select 'index' as kind, index_name as name, group_concat(column_name order by seq_in_index) as definition
from information_schema.statistics
where table_schema = ${schemaOf(table)} and table_name = ${table.tableName} and index_name <> 'PRIMARY'
group by index_name
union all
select 'trigger', trigger_name, concat(action_timing, ' ', event_manipulation)
from information_schema.triggers
where event_object_schema = ${schemaOf(table)} and event_object_table = ${table.tableName}
union all
select 'constraint', constraint_name, constraint_type
from information_schema.table_constraints
where table_schema = ${schemaOf(table)} and table_name = ${table.tableName} and constraint_type in ('FOREIGN KEY', 'CHECK')
union all
select 'partition', partition_name, partition_method
from information_schema.partitions
where table_schema = ${schemaOf(table)} and table_name = ${table.tableName} and partition_name is not null
`,

  /** `explain` needs the rights of what it explains, and does nothing: also where nothing may be written. */
  rights: (table: ResolvedTable): Record<string, RawBuilder<unknown>> => ({
    select: sql`explain select * from ${tableId(table)}`,
    insert: sql`explain insert into ${tableId(table)} (\`key\`, token, expires_at, acquired_at) values ('', 0, 0, 0)`,
    update: sql`explain update ${tableId(table)} set token = token where \`key\` = ''`,
    delete: sql`explain delete from ${tableId(table)} where \`key\` = ''`,
  }),

  clock: (): RawBuilder<unknown> => sql`
select ${mysqlNow} as now_us
`,

  survey: (table: ResolvedTable, mostRows: number): RawBuilder<unknown> => sql`
select count(*) as total,
  sum(expires_at <= ${mysqlNow} - ${sql.lit(RETENTION_US)}
    and coalesce(run_ended_at, 0) <= ${mysqlNow} - ${sql.lit(RUN_RETENTION_US)}) as old,
  sum(owner is not null and expires_at = ${sql.raw(NEVER)}) as endless,
  sum(attempt is not null and expires_at <= ${mysqlNow}) as expired,
  sum(token > ${mysqlNow}) as tokens_ahead,
  max(token) as largest_token,
  max(${mysqlNow}) as now_us
from (
  select owner, attempt, token, expires_at, run_ended_at
  from ${tableId(table)}
  limit ${sql.lit(mostRows)}
) as locks
`,

  connectionId: (): RawBuilder<unknown> => sql`
select connection_id() as id
`,

  /** MySQL: transactions that have locked rows of the table, oldest first, with how many wait for them. */
  blockers: (table: ResolvedTable): RawBuilder<unknown> => sql`
select threads.processlist_id as pid, threads.processlist_user as user_name, threads.processlist_host as application,
  coalesce(threads.processlist_state, threads.processlist_command) as state,
  timestampdiff(microsecond, transactions.trx_started, now(6)) / 1000000 as open_s,
  (
    select count(*)
    from performance_schema.data_lock_waits as waits
    where waits.blocking_engine_transaction_id = transactions.trx_id
  ) as waiting
from information_schema.innodb_trx as transactions
join performance_schema.threads as threads on threads.processlist_id = transactions.trx_mysql_thread_id
where transactions.trx_mysql_thread_id <> connection_id()
  and exists (
    select 1
    from performance_schema.data_locks as locks
    where locks.engine_transaction_id = transactions.trx_id
      and locks.object_schema = ${schemaOf(table)}
      and locks.object_name = ${table.tableName}
      and locks.lock_status = 'GRANTED'
  )
order by transactions.trx_started
limit 20
`,

  /** MariaDB shows a lock only while somebody waits for it: so also every old transaction that has changed or locked rows, of whatever table. */
  mariadbBlockers: (table: ResolvedTable): RawBuilder<unknown> => sql`
select transactions.trx_mysql_thread_id as pid, sessions.user as user_name, sessions.host as application,
  coalesce(nullif(sessions.state, ''), sessions.command) as state,
  timestampdiff(microsecond, transactions.trx_started, now(6)) / 1000000 as open_s,
  (
    select count(*)
    from information_schema.innodb_lock_waits as waits
    join information_schema.innodb_locks as locks on locks.lock_id = waits.blocking_lock_id
    where waits.blocking_trx_id = transactions.trx_id
      and locks.lock_table = concat('\`', ${schemaOf(table)}, '\`.\`', ${table.tableName}, '\`')
  ) as waiting
from information_schema.innodb_trx as transactions
join information_schema.processlist as sessions on sessions.id = transactions.trx_mysql_thread_id
where transactions.trx_mysql_thread_id <> connection_id()
  and transactions.trx_rows_locked > 0
order by transactions.trx_started
limit 20
`,

  bloat: (table: ResolvedTable): RawBuilder<unknown> => sql`
select tables.table_rows as live, tables.data_length + tables.index_length as size_bytes, tables.data_free as free_bytes
from information_schema.tables as tables
where tables.table_schema = ${schemaOf(table)} and tables.table_name = ${table.tableName}
`,

  /** How many changes of old transactions are kept because somebody may still look at them. */
  history: (): RawBuilder<unknown> => sql`
select count as length
from information_schema.innodb_metrics
where name = 'trx_rseg_history_len'
`,

  galera: (): RawBuilder<unknown> => sql`
show global status where variable_name in ('wsrep_ready', 'wsrep_cluster_status', 'wsrep_cluster_size')
`,

  groupMembers: (): RawBuilder<unknown> => sql`
select member_state as state, member_role as role
from performance_schema.replication_group_members
where member_id = @@server_uuid
`,

  bookkeeping: (table: ResolvedTable): RawBuilder<unknown> => sql`
select name
from ${tableId(table)}
order by name
`,
}

function schemaOf({ schema }: ResolvedTable): RawBuilder<unknown> {
  return schema === undefined ? sql`database()` : sql`${schema}`
}
