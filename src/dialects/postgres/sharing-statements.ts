import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { postgresClock } from './statements.ts'

const clock = postgresClock
const never = sql.raw(NEVER)

/** What holders and waiters of several processes say to each other through the table. */
export function postgresSharingStatements(table: ResolvedTable) {
  const compiler = compilerFor('postgres')
  const locks = tableId(table)

  return {
    // `for update`, as a take-over asks for: a transaction that guards the old hold keeps the heir out, too. Never waits for it,
    // since that transaction may be waiting for us. `wanted` stays: the others still want the key.
    handOver: compileQuery(
      compiler,
      'hand-over',
      sql`
with clock as materialized (
  ${clock}
),
mine as materialized (
  select locks.key
  from ${locks} as locks
  where locks.key = ${value('key')}::text
    and locks.owner = ${value('owner')}::text
    and locks.token = ${value('token')}::bigint
  for update of locks skip locked
),
handed as (
  update ${locks} as locks
  set owner = ${value('heirOwner')}::text,
      attempt = ${value('heirAttempt')}::text,
      token = greatest(locks.token + 1, clock.now),
      expires_at = coalesce(clock.now + ${value('ttlUs')}::bigint, ${never}),
      acquired_at = clock.now,
      held_by = ${value('heldBy')}::text
  from mine, clock
  where locks.key = mine.key
  returning locks.token, clock.now, locks.wanted
)
select token, now, wanted as is_wanted, false as is_locked from handed
union all
select null, null, null, true
from ${locks} as locks
where locks.key = ${value('key')}::text
  and locks.owner = ${value('owner')}::text
  and locks.token = ${value('token')}::bigint
  and not exists (select from handed)
`,
    ),

    // A mark that is there already is only read: no row lock, no transaction id, no write-ahead log. A crash that undoes a mark
    // also ends every connection that listens, and whoever reconnects asks again: so it need not wait for the disk.
    want: compileQuery(
      compiler,
      'want',
      sql`
with clock as materialized (
  ${clock}
),
relaxed as materialized (
  select set_config('synchronous_commit', 'off', true)
),
unmarked as materialized (
  select locks.key
  from ${locks} as locks, clock
  where locks.key = ${value('key')}::text
    and locks.owner is not null
    and locks.expires_at > clock.now
    and not locks.wanted
  for no key update of locks skip locked
),
marked as (
  update ${locks} as locks
  set wanted = true
  from unmarked, relaxed
  where locks.key = unmarked.key
  returning true as is_marked
)
select is_marked from marked
union all
select locks.wanted
from ${locks} as locks, clock
where locks.key = ${value('key')}::text
  and locks.owner is not null
  and locks.expires_at > clock.now
  and not exists (select from marked)
`,
    ),
  }
}
