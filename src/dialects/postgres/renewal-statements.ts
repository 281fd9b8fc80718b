import { type RawBuilder, sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { counted } from '../counted.ts'
import { NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { postgresClock } from './statements.ts'

const clock = postgresClock
const never = sql.raw(NEVER)

/** The hold's own renewals and this one: those of another hold had another token. Each value is worked out from the row as it was. */
export const postgresCounting = sql`,
      renewals = case when locks.renewed_token = locks.token then locks.renewals + 1 else 1 end,
      renewed_token = locks.token`

/** What makes leases last longer, and counts how often. */
export function postgresRenewalStatements(table: ResolvedTable) {
  const compiler = compilerFor('postgres')
  const locks = tableId(table)
  return {
    extend: counted((suffix, counts) =>
      compileQuery(compiler, `extend${suffix}`, extend(locks, counts ? postgresCounting : sql``)),
    ),
    extendAll: counted((suffix, counts) =>
      compileQuery(compiler, `extend-all${suffix}`, extendAll(locks, counts ? postgresCounting : sql``)),
    ),
  }
}

// Never waits for the row: a transaction that has it locked (a guard under REPEATABLE READ, an extension that is not
// committed) could be waiting for us. `is_locked`: it names this hold, and somebody has it locked.
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
  for no key update of locks skip locked
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
  and not exists (select from extended)
`
}

// `lateral` looks each key up by itself, whatever the optimizer believes of the table. `n + 0` is always n, but makes it expect one
// row and not the hundred that it gives any JSON: for a hundred it would rather read the whole of a table that was small when the
// statement was prepared. Never waits for a row, as `extend`.
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
    for no key update of locks skip locked
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
where not exists (select from extended where extended.n = asked.n)
`
}
