import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, compileStatement, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { NEVER, RUN_RETENTION_US, SWEEP_PAGE } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { newKeyLock } from './new-key-lock.ts'
import { tellListeners } from './tell-listeners.ts'

// clock_timestamp(), not now(): now() is frozen at BEGIN, so a lease taken late in a long transaction would be born old.
// https://www.postgresql.org/docs/current/functions-datetime.html#FUNCTIONS-DATETIME-CURRENT
// Read once per statement ("materialized"), so that one statement never sees two times.
export const postgresClock = sql`select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now`

const clock = postgresClock
const never = sql.raw(NEVER)

/** The statements for one table. */
export function postgresStatements(table: ResolvedTable) {
  const compiler = compilerFor('postgres')
  const locks = tableId(table)

  return {
    // `free` takes the row lock only if the row can be ours, and never waits for it. A refused try therefore writes
    // nothing, gets no transaction id, and leaves no lock. A missing row cannot be locked: there, an advisory lock
    // keeps a second inserter from waiting for the first one's commit. `is_own`: this very try was granted before, and its answer was lost, or
    // the sending that was lost is carried out after a later one. It changes nothing then: the same token, and no earlier end.
    acquire: compileQuery(
      compiler,
      'acquire',
      sql`
with clock as materialized (
  ${clock}
),
free as materialized (
  select locks.key, locks.expires_at > clock.now as is_own
  from ${locks} as locks, clock
  where locks.key = ${value('key')}::text
    and (locks.expires_at <= clock.now
      or locks.attempt = ${value('attempt')}::text)
  for update of locks skip locked
),
retaken as (
  update ${locks} as locks
  set owner = ${value('owner')}::text,
      attempt = ${value('attempt')}::text,
      token = case when free.is_own then locks.token else greatest(locks.token + 1, clock.now) end,
      expires_at = greatest(coalesce(clock.now + ${value('ttlUs')}::bigint, ${never}), locks.expires_at),
      acquired_at = clock.now,
      held_by = ${value('heldBy')}::text,
      wanted = false
  from free, clock
  where locks.key = free.key
  returning locks.token, clock.now
),
created as (
  insert into ${locks} as locks (key, owner, attempt, token, expires_at, acquired_at, held_by)
  select ${value('key')}::text, ${value('owner')}::text, ${value('attempt')}::text, clock.now,
    coalesce(clock.now + ${value('ttlUs')}::bigint, ${never}), clock.now, ${value('heldBy')}::text
  from clock
  where not exists (select from ${locks} as locks where locks.key = ${value('key')}::text)
    and pg_try_advisory_xact_lock(${newKeyLock(table, sql`${value('key')}::text`)})
  on conflict (key) do nothing
  returning locks.token, locks.acquired_at as now
)
select true as is_granted, token, now, null::bigint as free_in from retaken
union all
select true, token, now, null from created
union all
select false, null, clock.now, nullif(locks.expires_at, ${never}) - clock.now
from ${locks} as locks, clock
where locks.key = ${value('key')}::text
  and not exists (select from retaken)
`,
    ),

    // A release that a server crash undoes only means that the key is free when the TTL ends, so this one statement
    // need not wait for the disk. set_config(…, true) ends with the statement, which is its own transaction.
    // Whoever listens is told while the row is changed, and not in a `returning`, since a row in the answer costs 3 % of an acquire and a
    // release, and this 1 %. `is null` is never true. A row that had to be waited for is computed anew, so that a mark made meanwhile counts.
    release: compileStatement(
      compiler,
      'release',
      sql`
with clock as materialized (
  ${clock}
),
relaxed as materialized (
  select set_config('synchronous_commit', 'off', true)
)
update ${locks} as locks
set owner = null,
    attempt = null,
    expires_at = clock.now + case when locks.wanted then (${tellListeners(table)} is null)::integer else 0 end
from clock, relaxed
where locks.key = ${value('key')}::text
  and locks.owner = ${value('owner')}::text
  and locks.token = ${value('token')}::bigint
`,
    ),

    abandon: compileQuery(
      compiler,
      'abandon',
      sql`
with clock as materialized (
  ${clock}
)
update ${locks} as locks
set owner = null,
    attempt = null,
    expires_at = clock.now
from clock
where locks.key = ${value('key')}::text
  and locks.attempt = ${value('attempt')}::text
returning case when locks.wanted then ${tellListeners(table)} end is null as is_quiet
`,
    ),

    // `for update`, not just the weaker lock of the update: it waits for a transaction that guards the hold, as a
    // take-over does, and a guard that comes after it sees that the hold is gone.
    forceRelease: compileQuery(
      compiler,
      'force-release',
      sql`
with clock as materialized (
  ${clock}
),
held as materialized (
  select locks.key
  from ${locks} as locks
  where locks.key = ${value('key')}::text
    and locks.owner is not null
  for update of locks
)
update ${locks} as locks
set owner = null,
    attempt = null,
    token = greatest(locks.token + 1, clock.now),
    expires_at = clock.now
from held, clock
where locks.key = held.key
returning case when locks.wanted then ${tellListeners(table)} end is null as is_quiet
`,
    ),

    // In a table that was made before there were run records, the inner `run_ended_at` means the null of `absent`: a name that the nearest
    // table does not have is looked for further out.
    sweepLook: {
      ...compileQuery(
        compiler,
        'sweep-look',
        sql`
with clock as materialized (
  ${clock}
)
select page.key,
  page.expires_at <= clock.now - ${value('retentionUs')}::bigint
    and coalesce((
      select run_ended_at
      from ${locks} as locks
      where locks.key = page.key
    ), 0) <= clock.now - ${sql.lit(RUN_RETENTION_US)} as is_old,
  clock.now - ${value('retentionUs')}::bigint as free_since
from (select null::bigint as run_ended_at) as absent, clock, (
  select locks.key, locks.expires_at
  from ${locks} as locks
  where locks.key > ${value('afterKey')}::text
  order by locks.key
  limit ${sql.lit(SWEEP_PAGE)}
) as page
order by page.key
`,
      ),
      isPlannedAnew: true,
    },

    // A delete that a crash undoes is repeated by a later sweep: it need not wait for the disk. `lateral`, and `|| ''`: see `extend-all`.
    // Only rows whose token has fallen behind the clock: the key's next token, which is the time then, will be higher. Need not look
    // at runs again: one that has ended since the look has moved `expires_at` behind the moment that the look has told.
    sweepDelete: compileStatement(
      compiler,
      'sweep-delete',
      sql`
with clock as materialized (
  ${clock}
),
relaxed as materialized (
  select set_config('synchronous_commit', 'off', true)
),
old as materialized (
  select key
  from json_array_elements_text(${value('keys')}::json) as given (key)
  where key = key || ''
),
doomed as materialized (
  select found.key
  from old
  cross join clock
  cross join relaxed
  cross join lateral (
    select locks.key
    from ${locks} as locks
    where locks.key = old.key
      and locks.expires_at <= ${value('freeSinceUs')}::bigint
      and locks.token < clock.now
    for update of locks skip locked
  ) as found
)
delete from ${locks} as locks
using doomed
where locks.key = doomed.key
`,
    ),
  }
}
