import { type RawBuilder, sql } from 'kysely'
import { NEVER, RUN_RETENTION_US } from '../../dialects/dialect.ts'
import { sqliteNow } from '../../dialects/sqlite/statements.ts'
import { tableId } from '../../dialects/table-id.ts'
import type { ResolvedTable } from '../../options.ts'
import { RETENTION_US } from '../../store/retention.ts'

/** What the doctor asks SQLite. Pragmas are functions here, so that their answers have names: https://sqlite.org/pragma.html#pragfunc */
export const sqliteDoctorStatements = {
  /** Settings of this connection and of the file. */
  pragma: (name: string): RawBuilder<unknown> => sql`
pragma ${sql.raw(name)}
`,

  /** Where the file is: empty in memory. */
  file: ({ schema = 'main' }: ResolvedTable): RawBuilder<unknown> => sql`
select file
from pragma_database_list
where name = ${schema}
`,

  /** One row, if the table is there. */
  table: ({ schema = 'main', tableName }: ResolvedTable): RawBuilder<unknown> => sql`
select type as kind, wr as is_without_rowid, strict as is_strict
from pragma_table_list
where schema = ${schema} and name = ${tableName}
`,

  columns: ({ schema = 'main', tableName }: ResolvedTable): RawBuilder<unknown> => sql`
select columns.name, lower(columns.type) as type, columns."notnull" as is_required, columns.pk as place_in_key,
  columns.dflt_value as default_value,
  (
    select upper(keys.coll)
    from pragma_index_list(${tableName}, ${schema}) as indexes, pragma_index_xinfo(indexes.name, ${schema}) as keys
    where indexes.origin = 'pk' and keys.name = columns.name and keys.key
  ) as collation
from pragma_table_xinfo(${tableName}, ${schema}) as columns
`,

  /** What is on the table and not ours, as `kind`, `name` and `definition`. */
  additions: ({ schema = 'main', tableName }: ResolvedTable): RawBuilder<unknown> => sql`
select type as kind, name, sql as definition
from ${sql.id(schema, 'sqlite_schema')}
where tbl_name = ${tableName} and type in ('index', 'trigger') and sql is not null
order by type, name
`,

  clock: (): RawBuilder<unknown> => sql`
select ${sqliteNow} as now_us
`,

  survey: (table: ResolvedTable, mostRows: number): RawBuilder<unknown> => sql`
select count(*) as total,
  sum(expires_at <= ${sqliteNow} - ${sql.lit(RETENTION_US)}
    and coalesce(run_ended_at, 0) <= ${sqliteNow} - ${sql.lit(RUN_RETENTION_US)}) as old,
  sum(owner is not null and expires_at = ${sql.raw(NEVER)}) as endless,
  sum(attempt is not null and expires_at <= ${sqliteNow}) as expired,
  sum(token > ${sqliteNow}) as tokens_ahead,
  max(token) as largest_token,
  max(${sqliteNow}) as now_us
from (
  select owner, attempt, token, expires_at, run_ended_at
  from ${tableId(table)}
  limit ${sql.lit(mostRows)}
) as locks
`,

  bookkeeping: (table: ResolvedTable): RawBuilder<unknown> => sql`
select name
from ${tableId(table)}
order by name
`,
}
