import { schemaStatements } from '../../src/schema/create-migrations.ts'
import type { Place } from '../places/place.ts'

const NEVER_USED_AGAIN_US = 2 * 3_600_000_000

/**
 * A lock table with so many keys that were locked once, in no order, and are free. Filled without its index, which is made afterwards: the same
 * rows, in a fraction of the time.
 *
 * @param isOld long enough ago that the sweep removes them
 */
export async function makeIdleRows(place: Place, tableName: string, rows: number, isOld = false): Promise<void> {
  for (const sql of schemaStatements('postgres', { tableName })) await place.send(sql)
  await place.send(`alter table ${tableName} drop constraint ${tableName}_pkey`)
  await place.send(`
insert into ${tableName} (key, token, expires_at, acquired_at, held_by)
select 'idle:' || n, clock.now - age, clock.now - age, clock.now - age, 'app-server-1:12345'
from generate_series(0, ${rows - 1}) as n,
  (select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now, ${isOld ? NEVER_USED_AGAIN_US : 0} as age) as clock
order by hashint4(n)`)
  await place.send(`alter table ${tableName} add primary key (key)`)
  await place.send(`vacuum analyze ${tableName}`)
}

/** What the server knows of a table. */
export interface TableFacts {
  readonly bytes: number
  readonly tableBytes: number
  readonly indexBytes: number
  readonly deadRows: number
  /** Of all updates, those that stayed on their page and touched no index, %. `NaN`: there were none. */
  readonly hotShare: number
}

export async function tableFacts(place: Place, tableName: string): Promise<TableFacts> {
  const [row = {}] = await place.send(`
select pg_total_relation_size(relid) as bytes, pg_table_size(relid) as "tableBytes", pg_indexes_size(relid) as "indexBytes",
  n_dead_tup as "deadRows", 100.0 * n_tup_hot_upd / nullif(n_tup_upd, 0) as "hotShare"
from pg_stat_user_tables where relname = '${tableName}'`)
  const number = (name: keyof TableFacts) => (row[name] == null ? Number.NaN : Number(row[name]))
  return {
    bytes: number('bytes'),
    tableBytes: number('tableBytes'),
    indexBytes: number('indexBytes'),
    deadRows: number('deadRows'),
    hotShare: number('hotShare'),
  }
}
