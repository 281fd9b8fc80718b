import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { newKeyLock } from './new-key-lock.ts'
import { postgresClock } from './statements.ts'
import { tellListeners } from './tell-listeners.ts'

const clock = postgresClock
const never = sql.raw(NEVER)

/**
 * New keys that one statement creates. Each takes an advisory lock until it is through, and all sessions of a server share a table of a few
 * thousand of them: https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-MAX-LOCKS-PER-TRANSACTION
 */
const MOST_NEW_KEYS = 64

/** Many tries, and many releases, each in one statement: as `acquire` and `release`, for each of a list. */
export function postgresTogetherStatements(table: ResolvedTable) {
  const compiler = compilerFor('postgres')
  const locks = tableId(table)

  return {
    // As `acquire`, but the rows that are free are locked first, and only those that were not won are looked at once more, to tell who is in the way: most
    // of those that come together get what they ask for. `is_free` is null for a new key. `lateral` looks each key up by itself, and `n + 0` makes the
    // optimizer expect one: see `extend-all`. Nothing is joined to the list of what was granted, which it takes for one row, too, and would go through
    // for each key. What has no row in the answer: see `acquire`; `is_new`: more new keys than a statement may create.
    acquire: compileQuery(
      compiler,
      'acquire-all',
      sql`
with clock as materialized (
  ${clock}
),
asked as materialized (
  select n, key, owner, attempt, ttl, held_by
  from json_to_recordset(${value('tries')}::json)
    as given (n integer, key text, owner text, attempt text, ttl bigint, held_by text)
  where n = n + 0
),
tried as materialized (
  select asked.*, found.key as won, found.is_own
  from asked
  cross join clock
  left join lateral (
    select locks.key, locks.expires_at > clock.now as is_own
    from ${locks} as locks
    where locks.key = asked.key
      and (locks.expires_at <= clock.now
        or locks.attempt = asked.attempt)
    for update of locks skip locked
  ) as found on true
),
retaken as (
  update ${locks} as locks
  set owner = tried.owner,
      attempt = tried.attempt,
      token = case when tried.is_own then locks.token else greatest(locks.token + 1, clock.now) end,
      expires_at = greatest(coalesce(clock.now + tried.ttl, ${never}), locks.expires_at),
      acquired_at = clock.now,
      held_by = tried.held_by,
      wanted = false
  from tried, clock
  where locks.key = tried.won
  returning tried.n, locks.token, clock.now
),
seen as materialized (
  select tried.*, found.expires_at, found.expires_at <= clock.now as is_free
  from tried
  cross join clock
  left join lateral (
    select locks.expires_at
    from ${locks} as locks
    where locks.key = tried.key
    limit 1
  ) as found on true
  where tried.won is null
),
new as materialized (
  select n, key, owner, attempt, ttl, held_by, row_number() over (order by key) > ${sql.lit(MOST_NEW_KEYS)} as is_too_many
  from seen
  where is_free is null
),
created as (
  insert into ${locks} as locks (key, owner, attempt, token, expires_at, acquired_at, held_by)
  select new.key, new.owner, new.attempt, clock.now, coalesce(clock.now + new.ttl, ${never}), clock.now, new.held_by
  from new, clock
  where not new.is_too_many
    and pg_try_advisory_xact_lock(${newKeyLock(table, sql`new.key`)})
  on conflict (key) do nothing
  returning locks.key, locks.token, locks.acquired_at as now
)
select n, true as is_granted, token, now, null::bigint as free_in, false as is_new from retaken
union all
select new.n, true, created.token, created.now, null, false
from created
join new on new.key = created.key
union all
select n, false, null, null, null, true
from new
where is_too_many
union all
select seen.n, false, null, clock.now, nullif(seen.expires_at, ${never}) - clock.now, false
from seen, clock
where not seen.is_free
`,
    ),

    // Whoever listens is told as in `release`. Only what was released is in the answer: a row that somebody has locked is not waited for.
    release: compileQuery(
      compiler,
      'release-all',
      sql`
with clock as materialized (
  ${clock}
),
relaxed as materialized (
  select set_config('synchronous_commit', 'off', true)
),
asked as materialized (
  select n, key, owner, token
  from json_to_recordset(${value('holds')}::json) as given (n integer, key text, owner text, token bigint)
  where n = n + 0
),
mine as materialized (
  select asked.n, found.key
  from asked
  cross join lateral (
    select locks.key
    from ${locks} as locks
    where locks.key = asked.key
      and locks.owner = asked.owner
      and locks.token = asked.token
    for no key update of locks skip locked
  ) as found
)
update ${locks} as locks
set owner = null,
    attempt = null,
    expires_at = clock.now + case when locks.wanted then (${tellListeners(table)} is null)::integer else 0 end
from mine, clock, relaxed
where locks.key = mine.key
returning mine.n
`,
    ),
  }
}
