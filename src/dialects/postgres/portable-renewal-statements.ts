import { type RawBuilder, sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { counted } from '../counted.ts'
import { NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { postgresCounting } from './renewal-statements.ts'
import { postgresClock } from './statements.ts'

const clock = postgresClock
const never = sql.raw(NEVER)

/** As `postgresRenewalStatements`, without what some engines lack: empty lists of columns, and weaker row locks. */
export function portablePostgresRenewalStatements(table: ResolvedTable) {
  const compiler = compilerFor('postgres')
  const locks = tableId(table)
  return {
    extend: counted((suffix, counts) =>
      compileQuery(compiler, `portable-extend${suffix}`, extend(locks, counts ? postgresCounting : sql``)),
    ),
    extendAll: counted((suffix, counts) =>
      compileQuery(compiler, `portable-extend-all${suffix}`, extendAll(locks, counts ? postgresCounting : sql``)),
    ),
  }
}

// Never waits for the row: see extend.sql.
function extend(locks: RawBuilder<unknown>, counting: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
with clock as materialized (
  ${clock}
),
live as materialized (
  select locks.key
  from ${locks} as locks, clock
  where locks.key = ${value('key')}::text
    and locks.owner = ${value('owner')}::text
    and locks.token = ${value('token')}::bigint
    and locks.expires_at > clock.now
  for update of locks skip locked
),
extended as (
  update ${locks} as locks
  set expires_at = coalesce(clock.now + ${value('ttlUs')}::bigint, ${never})${counting}
  from live, clock
  where locks.key = live.key
  returning clock.now
)
select now, false as is_locked from extended
union all
select clock.now, true
from ${locks} as locks, clock
where locks.key = ${value('key')}::text
  and locks.owner = ${value('owner')}::text
  and locks.token = ${value('token')}::bigint
  and locks.expires_at > clock.now
  and not exists (select 1 from extended)
`
}

// See extend-all.sql.
function extendAll(locks: RawBuilder<unknown>, counting: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
with clock as materialized (
  ${clock}
),
asked as materialized (
  select n, key, owner, token, ttl
  from json_to_recordset(${value('renewals')}::json) as given (n integer, key text, owner text, token bigint, ttl bigint)
  where n = n + 0
),
live as materialized (
  select asked.n, asked.ttl, found.key
  from asked
  cross join clock
  cross join lateral (
    select locks.key
    from ${locks} as locks
    where locks.key = asked.key
      and locks.owner = asked.owner
      and locks.token = asked.token
      and locks.expires_at > clock.now
    for update of locks skip locked
  ) as found
),
extended as (
  update ${locks} as locks
  set expires_at = greatest(locks.expires_at, coalesce(clock.now + live.ttl, ${never}))${counting}
  from live, clock
  where locks.key = live.key
  returning live.n, clock.now
)
select n, now, false as is_locked from extended
union all
select asked.n, clock.now, true
from asked
cross join clock
cross join lateral (
  select locks.key
  from ${locks} as locks
  where locks.key = asked.key
    and locks.owner = asked.owner
    and locks.token = asked.token
    and locks.expires_at > clock.now
  limit 1
) as held
where not exists (select 1 from extended where extended.n = asked.n)
`
}
